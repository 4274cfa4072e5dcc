// Package retention keeps, in Postgres, what commands/retention works on: what
// is due, the Purged events that are not done with, and how far the read models
// came.
package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/retention"
	"github.com/igny8/igny8/domain/es"
)

// List reads the read model retention_due over all accounts.
type List struct {
	pool  *pgxpool.Pool
	table string
}

// NewList reads the table, as the projection's key names it, through the pool of
// the role igny8_projector.
func NewList(pool *pgxpool.Pool, table string) *List { return &List{pool, table} }

// Due lists what is due, the oldest first. See retention.List.
func (l *List) Due(ctx context.Context, before time.Time, after retention.Due, without []es.ID, limit int) ([]retention.Due, error) {
	rows, err := l.pool.Query(ctx, `SELECT account_id, kind, id, purge_after, deletion_id FROM `+l.table+`
		WHERE purge_after <= $1 AND (purge_after, account_id, kind, id) > ($2, $3, $4, $5) AND account_id <> ALL(coalesce($6, ARRAY[]::uuid[]))
		ORDER BY purge_after, account_id, kind, id LIMIT $7`,
		before, after.PurgeAfter, after.Account, after.Kind, after.ID, without, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", l.table, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[retention.Due])
}
