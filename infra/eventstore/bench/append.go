package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/postgres"
)

// Bare appends without an event store: one INSERT per transaction into a table
// with the columns and indexes of event_log, positions from a sequence, and no
// checks at all.
type Bare struct{ pool *pgxpool.Pool }

// NewBare makes the table bench_bare anew, through a pool of the role
// igny8_owner that should hold a connection for each caller.
func NewBare(ctx context.Context, owner *pgxpool.Pool) (*Bare, error) {
	_, err := owner.Exec(ctx, `
		DROP TABLE IF EXISTS bench_bare;
		CREATE TABLE bench_bare (LIKE event_log INCLUDING ALL);
		CREATE SEQUENCE bench_bare_pos OWNED BY bench_bare.pos;
		ALTER TABLE bench_bare ALTER pos SET DEFAULT nextval('bench_bare_pos')`)
	if err != nil {
		return nil, fmt.Errorf("make the bare table: %w", err)
	}
	return &Bare{owner}, nil
}

// Append inserts the append's only event.
func (b *Bare) Append(ctx context.Context, a es.Append) error {
	e := a.Events[0]
	_, err := b.pool.Exec(ctx, `
		INSERT INTO bench_bare (
			id, account_id, kind, stream_id, revision, type, recorded_at, site_id, sector_id, actor,
			correlation_id, causation_id, command_id, request_id, data_hash, data, salt
		) VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		e.ID, e.Stream.Account, e.Stream.Kind, e.Stream.ID, e.Revision, e.Type, e.Site, e.Sector, e.Actor.String(),
		e.Correlation, e.Causation, e.Command, e.Request, e.DataHash[:], e.Data, e.Salt)
	return err
}

// Close drops the table.
func (b *Bare) Close(ctx context.Context) error {
	_, err := b.pool.Exec(ctx, "DROP TABLE IF EXISTS bench_bare")
	return err
}

// AppendRow compares the store with bare inserts at one number of callers.
type AppendRow struct{ Bare, Store Rate }

// Ratio is how many times as many appends a second the store makes.
func (r AppendRow) Ratio() float64 { return r.Store.PerSecond() / r.Bare.PerSecond() }

// Appends measures bare inserts and appends of new streams in turns, each for
// a while, at each number of callers.
func Appends(ctx context.Context, bare *Bare, store *postgres.Store, while time.Duration, callers ...int) ([]AppendRow, error) {
	account := newID()
	var rows []AppendRow
	for _, n := range callers {
		var row AppendRow
		var err error
		row.Bare, row.Store, err = Compare(ctx, n, while,
			func(ctx context.Context) error { return bare.Append(ctx, NewAppend(account)) },
			func(ctx context.Context) error {
				_, err := store.Append(ctx, NewAppend(account))
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("appends of %d callers: %w", n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Fill appends n events in bulk, to new streams of new accounts of a thousand
// events each, and calls progress with the number done.
func Fill(ctx context.Context, store *postgres.Store, n int, progress func(done int)) error {
	for done := 0; done < n; {
		account := newID()
		appends := make([]es.Append, min(1000, n-done))
		for i := range appends {
			appends[i] = NewAppend(account)
			appends[i].Bulk = true
		}
		for _, r := range store.AppendMany(ctx, appends) {
			if r.Err != nil {
				return fmt.Errorf("fill the log: %w", r.Err)
			}
		}
		done += len(appends)
		progress(done)
	}
	return nil
}
