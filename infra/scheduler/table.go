package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

// Table is the table schedules.
type Table struct{ pool *pgxpool.Pool }

// NewTable reads and writes through the pool of the role igny8_projector.
func NewTable(pool *pgxpool.Pool) *Table { return &Table{pool} }

// Schedule is a work and what its last run came to.
type Schedule struct {
	Name   string    `json:"name"`
	Spec   string    `json:"spec"`
	NextAt time.Time `json:"next_at"`
	// StartedAt is null before the first run, EndedAt while one is running, and
	// after one that was cut off.
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	// Detail is how far the run is, or what it came to; Error why it failed.
	Detail string `json:"detail"`
	Error  string `json:"error"`
	// Failures counts those in a row up to now.
	Failures int   `json:"failures"`
	Runs     int64 `json:"runs"`
}

// List gives every schedule, by name.
func (t *Table) List(ctx context.Context) ([]Schedule, error) {
	rows, err := t.pool.Query(ctx, `SELECT name, spec, next_at, started_at, ended_at, detail, error, failures, runs FROM schedules ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("reading the schedules: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Schedule])
}

// Ask makes a work due now; whoever holds the lease runs it. Errors: es.NotFound.
func (t *Table) Ask(ctx context.Context, name string) error {
	tag, err := t.pool.Exec(ctx, `UPDATE schedules SET next_at = to_timestamp(0) WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("asking for a run of %s: %w", name, err)
	}
	if tag.RowsAffected() == 0 {
		return es.Refuse(es.NotFound, "", "There is no schedule named %q.", name)
	}
	return nil
}

// row is what changes in a schedule.
type row struct {
	name, spec string
	next       time.Time
}

const fenced = ` FROM (SELECT epoch FROM scheduler_lease FOR SHARE) l WHERE l.epoch = $1 AND s.name = $2`

// begin writes the works. One with another spec than before goes by that one
// from now on; one whose last run was cut off is due at once.
func (t *Table) begin(ctx context.Context, epoch int64, rows []row) error {
	batch := &pgx.Batch{}
	for _, r := range rows {
		batch.Queue(`INSERT INTO schedules AS s (name, spec, next_at) SELECT $2, $3, $4 FROM scheduler_lease WHERE epoch = $1
			ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, next_at = CASE
				WHEN s.started_at IS NOT NULL AND s.ended_at IS NULL THEN to_timestamp(0)
				WHEN s.spec <> excluded.spec THEN excluded.next_at
				ELSE s.next_at END`, epoch, r.name, r.spec, r.next)
	}
	if err := t.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("writing the schedules: %w", err)
	}
	return nil
}

func (t *Table) due(ctx context.Context, now time.Time) (map[string]bool, error) {
	rows, err := t.pool.Query(ctx, `SELECT name FROM schedules WHERE next_at <= $1`, now)
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	due := map[string]bool{}
	var name string
	_, err = pgx.ForEachRow(rows, []any{&name}, func() error {
		due[name] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	return due, nil
}

func (t *Table) start(ctx context.Context, epoch int64, r row, at time.Time) error {
	return t.write(ctx, `UPDATE schedules s SET started_at = $3, ended_at = NULL, detail = '', next_at = $4, runs = runs + 1`+fenced,
		epoch, r.name, at, r.next)
}

func (t *Table) end(ctx context.Context, epoch int64, r row, at time.Time, detail string, failure error) error {
	text := ""
	if failure != nil {
		text = failure.Error()
	}
	return t.write(ctx, `UPDATE schedules s SET ended_at = $3, detail = $4, error = $5,
		next_at = CASE WHEN next_at = to_timestamp(0) THEN next_at ELSE $6 END,
		failures = CASE WHEN $5 = '' THEN 0 ELSE failures + 1 END`+fenced, epoch, r.name, at, detail, text, r.next)
}

// write is fenced: it fails once another process holds the lease.
func (t *Table) write(ctx context.Context, sql string, args ...any) error {
	tag, err := t.pool.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("recording periodic work: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errLost
	}
	return nil
}

func (t *Table) tell(ctx context.Context, name, detail string) error {
	_, err := t.pool.Exec(ctx, `UPDATE schedules SET detail = $2 WHERE name = $1`, name, detail)
	return err
}
