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

// collectPage is how many events are read at once for the worklist.
const collectPage = 1000

// Log is what Purged events are found in.
type Log interface {
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
	Head(ctx context.Context) (int64, error)
}

// Worklist is the table purges. It is safe for concurrent use, also by many
// processes.
type Worklist struct {
	pool  *pgxpool.Pool
	log   Log
	types []string
}

// NewWorklist keeps the Purged events of the kinds through the pool of the role
// igny8_projector.
func NewWorklist(pool *pgxpool.Pool, log Log, kinds []es.AnyKind) *Worklist {
	w := &Worklist{pool: pool, log: log}
	for _, kind := range kinds {
		if kind.EventSet().Lifecycle() {
			w.types = append(w.types, kind.TypeName(es.Purged{}))
		}
	}
	return w
}

// Collect adds Purged events up to the log's head. See retention.Worklist.
func (w *Worklist) Collect(ctx context.Context) (int64, error) {
	head, err := w.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	for {
		through, err := w.collect(ctx)
		if err != nil || through >= head {
			return through, err
		}
	}
}

// collect takes one page of the log, together with the place in the log that it
// leads to.
func (w *Worklist) collect(ctx context.Context) (through int64, err error) {
	err = pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		var after int64
		if err := tx.QueryRow(ctx, `SELECT position FROM purge_scan FOR UPDATE`).Scan(&after); err != nil {
			return err
		}
		page, err := w.log.Read(ctx, after, es.Filter{Types: w.types}, collectPage)
		if err != nil {
			return err
		}
		var rows purgeRows
		for _, rec := range page.Events {
			rows.add(retention.Purge{Stream: rec.Stream, Revision: rec.Revision, Position: rec.Position, Event: rec.ID, At: rec.RecordedAt})
		}
		if len(page.Events) > 0 {
			if _, err := tx.Exec(ctx, `INSERT INTO purges (account_id, kind, stream_id, revision, position, event_id, purged_at)
				SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::timestamptz[])
				ON CONFLICT (account_id, kind, stream_id) DO NOTHING`,
				rows.accounts, rows.kinds, rows.ids, rows.revisions, rows.positions, rows.events, rows.times); err != nil {
				return err
			}
		}
		through = page.Through
		_, err = tx.Exec(ctx, `UPDATE purge_scan SET position = $1 WHERE position < $1`, through)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("collecting Purged events: %w", err)
	}
	return through, nil
}

// Open lists what is not done. See retention.Worklist.
func (w *Worklist) Open(ctx context.Context, after int64, limit int) ([]retention.Purge, error) {
	rows, err := w.pool.Query(ctx, `SELECT account_id, kind, stream_id, revision, position, event_id, purged_at FROM purges
		WHERE position > $1 ORDER BY position LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the purges: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p retention.Purge, err error) {
		return p, row.Scan(&p.Stream.Account, &p.Stream.Kind, &p.Stream.ID, &p.Revision, &p.Position, &p.Event, &p.At)
	})
}

// Done removes what is done.
func (w *Worklist) Done(ctx context.Context, done []retention.Purge) error {
	if len(done) == 0 {
		return nil
	}
	if _, err := w.pool.Exec(ctx, `DELETE FROM purges WHERE position = ANY($1)`, positions(done)); err != nil {
		return fmt.Errorf("removing purges: %w", err)
	}
	return nil
}

// Waits keeps why the purges are not done.
func (w *Worklist) Waits(ctx context.Context, why string, waiting []retention.Purge) error {
	_, err := w.pool.Exec(ctx, `UPDATE purges SET waits_for = $2 WHERE position = ANY($1) AND waits_for IS DISTINCT FROM $2`, positions(waiting), why)
	if err != nil {
		return fmt.Errorf("noting what purges wait for: %w", err)
	}
	return nil
}

// Waiting are purges that are not done, by what they wait for.
type Waiting struct {
	For    string    `json:"waits_for"`
	Count  int64     `json:"count"`
	Oldest time.Time `json:"oldest"` // of their Purged events
}

// Waiting counts what is not done, the longest first; "" is what was not looked
// at yet.
func (w *Worklist) Waiting(ctx context.Context) ([]Waiting, error) {
	rows, err := w.pool.Query(ctx, `SELECT coalesce(waits_for, ''), count(*), min(purged_at) FROM purges GROUP BY 1 ORDER BY 3`)
	if err != nil {
		return nil, fmt.Errorf("counting the purges: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Waiting])
}

func positions(purges []retention.Purge) []int64 {
	all := make([]int64, len(purges))
	for i, p := range purges {
		all[i] = p.Position
	}
	return all
}

// purgeRows are arguments for unnest.
type purgeRows struct {
	accounts, ids, events []es.ID
	kinds                 []string
	revisions, positions  []int64
	times                 []time.Time
}

func (r *purgeRows) add(p retention.Purge) {
	r.accounts, r.kinds, r.ids = append(r.accounts, p.Stream.Account), append(r.kinds, p.Stream.Kind), append(r.ids, p.Stream.ID)
	r.revisions, r.positions = append(r.revisions, p.Revision), append(r.positions, p.Position)
	r.events, r.times = append(r.events, p.Event), append(r.times, p.At)
}
