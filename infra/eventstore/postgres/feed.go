package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	database "github.com/igny8/igny8/infra/postgres"
)

// Feed reads the log of one account at a time as the role igny8_app: row-level
// security proves what the filter says.
type Feed struct{ pool *pgxpool.Pool }

// NewFeed reads through a pool of the role igny8_app.
func NewFeed(pool *pgxpool.Pool) *Feed { return &Feed{pool: pool} }

// Read is Log.Read, as bounded, for a filter that names an account; without one it is an
// error.
func (f *Feed) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	if filter.Account == (es.ID{}) {
		return es.Page{}, errors.New("read a feed: the filter names no account")
	}
	q := newPageQuery(after, filter, limit)
	var page es.Page
	err := retried(ctx, func() error {
		return database.ReadInAccount(ctx, f.pool, filter.Account, func(b *pgx.Batch) { q.queue(b, &page) })
	})
	if err != nil {
		return es.Page{}, fmt.Errorf("read the feed after %d: %w", after, err)
	}
	return page, nil
}
