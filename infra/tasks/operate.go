package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

// Table is the tasks that wait, run or are dead, of all accounts, for whoever
// operates the installation.
type Table struct{ pool *pgxpool.Pool }

// NewTable reads over the pool of the role igny8_projector.
func NewTable(pool *pgxpool.Pool) *Table { return &Table{pool} }

// The states of the table.
const (
	Waiting = "waiting"
	Running = "running"
	Dead    = "dead"
)

// Entry is a task of the table.
type Entry struct {
	Account     es.ID     `db:"account_id" json:"account_id"`
	ID          es.ID     `db:"id" json:"id"`
	Kind        string    `db:"kind" json:"kind"`
	State       string    `db:"state" json:"state"`
	Since       time.Time `db:"changed_at" json:"since"` // it is in the state
	Attempt     int       `db:"attempt" json:"attempt"`
	LastAttempt int       `db:"last_attempt" json:"last_attempt"`
	Cancelling  bool      `db:"cancel" json:"cancelling"`
	// Refused says that it is dead for what it was asked with.
	Refused bool   `db:"refused" json:"refused"`
	Request string `db:"request_id" json:"request_id"`
	Stage   string `db:"stage" json:"stage"`
	Done    int64  `db:"done" json:"done"`
	Total   int64  `db:"total" json:"total"`
}

const entry = `SELECT account_id, id, kind, state, changed_at, attempt, last_attempt, cancel, refused, request_id, stage, done, total FROM tasks`

// Search picks tasks; what is empty picks all.
type Search struct {
	State, Kind string
	Account     es.ID
	Limit       int
}

// List gives tasks, the ones that are the longest in their state first.
func (t *Table) List(ctx context.Context, s Search) ([]Entry, error) {
	rows, err := t.pool.Query(ctx, entry+`
		WHERE ($1 = '' OR state = $1) AND ($2 = '' OR kind = $2) AND ($3::uuid IS NULL OR account_id = $3)
		ORDER BY changed_at, id LIMIT $4`, s.State, s.Kind, optional(s.Account), s.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
	if err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	return found, nil
}

// Find gives a task by its id. Errors: es.NotFound.
func (t *Table) Find(ctx context.Context, id es.ID) (Entry, error) {
	rows, err := t.pool.Query(ctx, entry+` WHERE id = $1`, id)
	if err != nil {
		return Entry{}, fmt.Errorf("looking for task %s: %w", id, err)
	}
	found, err := pgx.CollectOneRow(rows, pgx.RowToStructByName[Entry])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return found, es.Refuse(es.NotFound, "", "No task %s waits, runs or is dead.", id)
	case err != nil:
		return found, fmt.Errorf("looking for task %s: %w", id, err)
	}
	return found, nil
}

// Count is how many tasks there are in each state.
func (t *Table) Count(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{Waiting: 0, Running: 0, Dead: 0}
	rows, err := t.pool.Query(ctx, `SELECT state, count(*) FROM tasks GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("counting tasks: %w", err)
	}
	var (
		state string
		n     int64
	)
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting tasks: %w", err)
	}
	return counts, nil
}

// Broken is how many tasks died within the time and not for what they were asked
// with: there is something to mend.
func (t *Table) Broken(ctx context.Context, within time.Duration) (n int64, err error) {
	err = t.pool.QueryRow(ctx, `SELECT count(*) FROM tasks
		WHERE state = 'dead' AND NOT refused AND changed_at > clock_timestamp() - make_interval(secs => $1)`, within.Seconds()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting dead tasks: %w", err)
	}
	return n, nil
}
