package tasks

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
)

// Pending tells an account how far its tasks are that wait or run.
type Pending struct{ pool *pgxpool.Pool }

// NewPending reads over the pool of the role igny8_app.
func NewPending(pool *pgxpool.Pool) *Pending { return &Pending{pool} }

// Progress is that of the account's tasks among ids which wait or run; others
// are left out.
func (p *Pending) Progress(ctx context.Context, account es.ID, ids []es.ID) (map[es.ID]tasks.Progress, error) {
	found := make(map[es.ID]tasks.Progress, len(ids))
	err := postgres.ReadInAccount(ctx, p.pool, account, func(b *pgx.Batch) {
		b.Queue(`SELECT id, stage, done, total FROM tasks WHERE account_id = $1 AND id = ANY ($2) AND state <> 'dead'`, account, ids).
			Query(func(rows pgx.Rows) error {
				var (
					id es.ID
					at tasks.Progress
				)
				_, err := pgx.ForEachRow(rows, []any{&id, &at.Stage, &at.Done, &at.Total}, func() error {
					found[id] = at
					return nil
				})
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("progress of tasks: %w", err)
	}
	return found, nil
}
