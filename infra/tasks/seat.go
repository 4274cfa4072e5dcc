package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
)

var (
	_ tasks.Queue = (*Queue)(nil)
	_ tasks.Seat  = (*seat)(nil)
)

// Queue leases tasks to workers. It is safe for concurrent use.
type Queue struct {
	pool  *pgxpool.Pool
	lease time.Duration
}

// NewQueue leases over the pool of the role igny8_projector. lease is how long a
// worker is believed in that gives no sign of life, though its process is there.
func NewQueue(pool *pgxpool.Pool, lease time.Duration) *Queue { return &Queue{pool, lease} }

// Join takes the lock of a new worker's name, which goes with its process.
func (q *Queue) Join(ctx context.Context) (tasks.Seat, error) {
	worker := commands.NewID()
	held, err := postgres.TryLock(ctx, q.pool, "task worker "+worker.String())
	if err != nil {
		return nil, fmt.Errorf("joining the queue of tasks: %w", err)
	}
	return &seat{Queue: q, worker: worker, held: held}, nil
}

type seat struct {
	*Queue
	worker es.ID
	held   *postgres.Held
}

func (s *seat) Lost() <-chan struct{} { return s.held.Lost() }

func (s *seat) Leave() { s.held.Release() }

// columns are those of a lease, of the row t.
const columns = `t.account_id, t.id, t.kind, t.site_id, t.sector_id, t.request_id, t.correlation_id, t.causation_id, t.position,
	t.input, t.limit_ms, t.attempt, t.last_attempt, t.cancel, t.saved, t.out, t.ending, extract(epoch FROM t.changed_at - t.run_at)::float8`

func scan(row pgx.CollectableRow, more ...any) (l tasks.Lease, err error) {
	var (
		site, sector *es.ID
		limit        int64
		waited       float64
		out          = [4]*string{}
	)
	err = row.Scan(append([]any{
		&l.Tenant.Account, &l.Task, &l.Kind, &site, &sector, &l.Request, &l.Correlation, &l.Causation, &l.Position,
		&out[0], &limit, &l.Attempt, &l.LastAttempt, &l.Cancel, &out[1], &out[2], &out[3], &waited,
	}, more...)...)
	if site != nil {
		l.Tenant.Site = *site
	}
	if sector != nil {
		l.Tenant.Sector = *sector
	}
	for i, to := range []*json.RawMessage{&l.Input, &l.Saved, &l.Out, &l.Ending} {
		if out[i] != nil {
			*to = json.RawMessage(*out[i])
		}
	}
	l.Limit = time.Duration(limit) * time.Millisecond
	l.Waited = time.Duration(waited * float64(time.Second))
	return l, err
}

func (s *seat) Claim(ctx context.Context, c tasks.Claim) ([]tasks.Lease, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+columns+`, c.idle
		FROM claim_tasks($1, $2, $3, $4, $5, make_interval(secs => $6)) c, LATERAL (SELECT (c.task).*) t`,
		s.worker, c.Kinds, c.Free, c.Kept, c.PerAccount, s.lease.Seconds())
	if err != nil {
		return nil, fmt.Errorf("claiming tasks: %w", err)
	}
	leases, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (tasks.Lease, error) {
		var idle bool
		l, err := scan(row, &idle)
		l.Idle = idle
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming tasks: %w", err)
	}
	return leases, nil
}

func (s *seat) Cancelled(ctx context.Context, kinds []string, most int) ([]tasks.Lease, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE tasks t SET state = 'running', attempt = t.attempt + 1, worker = $1,
			lease_until = clock_timestamp() + make_interval(secs => $2), changed_at = clock_timestamp()
		FROM (
			SELECT account_id, id FROM tasks WHERE state = 'waiting' AND cancel AND kind = ANY ($3)
			LIMIT $4 FOR UPDATE SKIP LOCKED
		) c
		WHERE t.account_id = c.account_id AND t.id = c.id
		RETURNING `+columns, s.worker, s.lease.Seconds(), kinds, most)
	if err != nil {
		return nil, fmt.Errorf("claiming cancelled tasks: %w", err)
	}
	leases, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (tasks.Lease, error) { return scan(row) })
	if err != nil {
		return nil, fmt.Errorf("claiming cancelled tasks: %w", err)
	}
	return leases, nil
}

func (s *seat) Beat(ctx context.Context, beats []tasks.Beat) (map[es.ID]bool, error) {
	n := len(beats)
	accounts, ids, attempts := make([]es.ID, n), make([]es.ID, n), make([]int32, n)
	stages, done, total := make([]string, n), make([]int64, n), make([]int64, n)
	for i, b := range beats {
		accounts[i], ids[i], attempts[i] = b.Account, b.Task, int32(b.Attempt) //nolint:gosec // G115: attempts are few.
		stages[i], done[i], total[i] = b.Progress.Stage, b.Progress.Done, b.Progress.Total
	}
	rows, err := s.pool.Query(ctx, `
		UPDATE tasks t SET lease_until = clock_timestamp() + make_interval(secs => $2), stage = b.stage, done = b.done, total = b.total
		FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::bigint[], $8::bigint[]) b (account_id, id, attempt, stage, done, total)
		WHERE t.account_id = b.account_id AND t.id = b.id AND t.attempt = b.attempt AND t.worker = $1
		RETURNING t.id, t.cancel`, s.worker, s.lease.Seconds(), accounts, ids, attempts, stages, done, total)
	if err != nil {
		return nil, fmt.Errorf("renewing leases of tasks: %w", err)
	}
	mine := make(map[es.ID]bool, n)
	var (
		id     es.ID
		cancel bool
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &cancel}, func() error {
		mine[id] = cancel
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renewing leases of tasks: %w", err)
	}
	return mine, nil
}

func (s *seat) FreeLost(ctx context.Context) (freed int64, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT free_lost_tasks()`).Scan(&freed); err != nil {
		return 0, fmt.Errorf("freeing lost tasks: %w", err)
	}
	return freed, nil
}

// mine is the fence: attempt and worker are those of the lease.
const mine = ` WHERE account_id = $1 AND id = $2 AND attempt = $3 AND worker = $4`

func (s *seat) write(ctx context.Context, what string, l tasks.Lease, sql string, more ...any) error {
	tag, err := s.pool.Exec(ctx, sql, append([]any{l.Tenant.Account, l.Task, l.Attempt, s.worker}, more...)...)
	return lost(what, l, tag.RowsAffected(), err)
}

func (s *seat) Keep(ctx context.Context, l tasks.Lease, part tasks.Part, value json.RawMessage) error {
	switch part {
	case tasks.SavedPart, tasks.OutPart, tasks.EndingPart:
		return s.write(ctx, "keeping "+string(part)+" of", l, `UPDATE tasks SET `+string(part)+` = $5`+mine, raw(value))
	}
	return fmt.Errorf("a task's row has no part %q", part)
}

func (s *seat) Retry(ctx context.Context, l tasks.Lease, after time.Duration, unused bool) error {
	return s.write(ctx, "retrying", l, `
		UPDATE tasks SET state = 'waiting', worker = NULL, lease_until = NULL, changed_at = clock_timestamp(),
			run_at = clock_timestamp() + make_interval(secs => $5), last_attempt = last_attempt + CASE WHEN $6 THEN 1 ELSE 0 END`+mine,
		after.Seconds(), unused)
}

func (s *seat) Bury(ctx context.Context, l tasks.Lease, refused bool) error {
	return s.write(ctx, "burying", l, `
		UPDATE tasks SET state = 'dead', worker = NULL, lease_until = NULL, changed_at = clock_timestamp(), refused = $5, ending = NULL`+mine,
		refused)
}

func (s *seat) Remove(ctx context.Context, l tasks.Lease) error {
	return s.write(ctx, "removing", l, `DELETE FROM tasks`+mine)
}
