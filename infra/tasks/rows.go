// Package tasks keeps the tasks that wait, run or are dead in the table tasks,
// and leases them to workers: of the account that was served the longest ago
// first, so that nobody's queue keeps others waiting. It implements the ports of
// commands/tasks.
package tasks

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/inbox"
)

// Channel is where workers are told of tasks, for eventstore.WithListener: the
// payload is "" for one that waits, else something is to be cancelled.
const Channel = "tasks"

var _ tasks.Rows = (*Rows)(nil)

// Rows is the table as reactions change it, once for each event. It is safe for
// concurrent use, in any number of processes.
type Rows struct{ inbox *inbox.Inbox }

// NewRows works over the pool of the role igny8_projector.
func NewRows(pool *pgxpool.Pool) *Rows { return &Rows{inbox.New(pool)} }

// Put adds a task that waits, and tells the workers.
func (r *Rows) Put(ctx context.Context, rec es.Recorded, i tasks.Item) error {
	return r.once(ctx, rec, `
		INSERT INTO tasks (account_id, id, kind, site_id, sector_id, request_id, correlation_id, causation_id,
			position, input, limit_ms, last_attempt)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT DO NOTHING`,
		i.Tenant.Account, i.Task, i.Kind, optional(i.Tenant.Site), optional(i.Tenant.Sector), i.Request, i.Correlation, i.Causation,
		i.Position, raw(i.Input), i.Limit.Milliseconds(), i.Attempts)
}

// Cancel marks the event's task, and tells the workers.
func (r *Rows) Cancel(ctx context.Context, rec es.Recorded) error {
	return r.once(ctx, rec, `
		WITH marked AS (
			UPDATE tasks SET cancel = true, run_at = least(run_at, clock_timestamp())
			WHERE account_id = $1 AND id = $2 AND state <> 'dead'
			RETURNING 1
		)
		SELECT pg_notify('tasks', 'cancel') FROM marked`, rec.Stream.Account, rec.Stream.ID)
}

// Replay has the event's task wait again with what its attempts kept, and tells
// the workers. Who ended it may not have put it away yet: it is taken from them.
func (r *Rows) Replay(ctx context.Context, rec es.Recorded, attempts int) error {
	return r.once(ctx, rec, `
		UPDATE tasks SET state = 'waiting', worker = NULL, lease_until = NULL, cancel = false, ending = NULL, refused = false,
			last_attempt = attempt + $3, run_at = clock_timestamp(), changed_at = clock_timestamp()
		WHERE account_id = $1 AND id = $2`, rec.Stream.Account, rec.Stream.ID, attempts)
}

func (r *Rows) once(ctx context.Context, rec es.Recorded, sql string, args ...any) error {
	return r.inbox.Once(ctx, tasks.Group, rec, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

func optional(id es.ID) *es.ID {
	if id == (es.ID{}) {
		return nil
	}
	return &id
}

// raw is JSON for a column of that type; none is null in JSON.
func raw(value json.RawMessage) string {
	if len(value) == 0 {
		return "null"
	}
	return string(value)
}

// lost takes a write that met no row as tasks.ErrLost.
func lost(what string, l tasks.Lease, rows int64, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s task %s: %w", what, l.Task, err)
	case rows == 0:
		return tasks.ErrLost
	}
	return nil
}
