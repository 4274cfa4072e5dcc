package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/postgres"
)

// ReadRow compares reads of streams that share round trips with those of one
// query each, at one number of callers.
type ReadRow struct{ Single, Store Rate }

// Ratio is how many times as many reads a second the store makes.
func (r ReadRow) Ratio() float64 { return r.Store.PerSecond() / r.Single.PerSecond() }

// Reads measures reads of random streams of one event, each for a while, at
// each number of callers: as one query each over the pool, and by the store.
func Reads(ctx context.Context, pool *pgxpool.Pool, store *postgres.Store, while time.Duration, callers ...int) ([]ReadRow, error) {
	streams := make([]es.StreamID, 10_000)
	appends := make([]es.Append, len(streams))
	account := newID()
	for i := range streams {
		appends[i] = NewAppend(account)
		appends[i].Bulk = true
		streams[i] = appends[i].Stream
	}
	for _, r := range store.AppendMany(ctx, appends) {
		if r.Err != nil {
			return nil, r.Err
		}
	}
	var rows []ReadRow
	for _, n := range callers {
		var row ReadRow
		var err error
		row.Single, row.Store, err = Compare(ctx, n, while,
			func(ctx context.Context) error { return readSingle(ctx, pool, oneOf(streams)) },
			func(ctx context.Context) error {
				_, err := store.ReadStream(ctx, oneOf(streams), 1)
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("reads of %d callers: %w", n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func oneOf(streams []es.StreamID) es.StreamID {
	return streams[rand.N(len(streams))] //nolint:gosec // G404: nobody gains by guessing it.
}

func readSingle(ctx context.Context, pool *pgxpool.Pool, s es.StreamID) error {
	rows, err := pool.Query(ctx, "SELECT * FROM event_log WHERE account_id = $1 AND kind = $2 AND stream_id = $3 ORDER BY revision", s.Account, s.Kind, s.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		_ = rows.RawValues()
	}
	return rows.Err()
}
