package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tryEvery is how soon a dead holder's place is taken.
const tryEvery = 200 * time.Millisecond

// errLost says that another process may hold the lease by now.
var errLost = errors.New("the scheduler's lease was lost")

const lockKey = `hashtextextended('igny8 scheduler', 0)`

// lease is the sole right to run schedules: an advisory lock of a session of its
// own, which ends with the process, and an epoch that fences whoever held it
// before.
type lease struct {
	conn  *pgx.Conn
	epoch int64
	term  time.Duration
	timer *time.Timer
	lost  chan struct{}
}

// acquire waits until nobody holds the lease, or its holder has been silent for
// a term: a frozen process, whose session is ended.
func acquire(ctx context.Context, pool *pgxpool.Pool, term time.Duration) (*lease, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("scheduler's lease: %w", err)
	}
	l := &lease{conn: pooled.Hijack(), term: term, lost: make(chan struct{})}
	for {
		held, err := l.try(ctx)
		switch {
		case err != nil:
			l.release() //nolint:contextcheck // also once ctx has ended.
			return nil, fmt.Errorf("scheduler's lease: %w", err)
		case held:
			l.timer = time.AfterFunc(term, sync.OnceFunc(func() { close(l.lost) }))
			return l, nil
		}
		select {
		case <-time.After(tryEvery):
		case <-ctx.Done():
			l.release() //nolint:contextcheck // also once ctx has ended.
			return nil, ctx.Err()
		}
	}
}

func (l *lease) try(ctx context.Context) (held bool, err error) {
	if err := l.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+lockKey+`)`).Scan(&held); err != nil {
		return false, err
	}
	if held {
		err := l.conn.QueryRow(ctx, `UPDATE scheduler_lease SET epoch = epoch + 1, beat_at = clock_timestamp() RETURNING epoch`).Scan(&l.epoch)
		return true, err
	}
	_, err = l.conn.Exec(ctx, `SELECT pg_terminate_backend(k.pid) FROM pg_locks k, scheduler_lease l
		WHERE l.beat_at < clock_timestamp() - make_interval(secs => $1)
			AND k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
			AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (k.classid::bigint << 32 | k.objid::bigint) = `+lockKey, l.term.Seconds())
	return false, err
}

// beat shows that the holder lives, until ctx ends or the lease is lost. Whoever
// was frozen finds it lost as soon as they wake.
func (l *lease) beat(ctx context.Context) error {
	ticker := time.NewTicker(l.term / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-l.lost:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		}
		prove, cancel := context.WithTimeout(ctx, l.term/2)
		tag, err := l.conn.Exec(prove, `UPDATE scheduler_lease SET beat_at = clock_timestamp() WHERE epoch = $1`, l.epoch)
		cancel()
		if err != nil || tag.RowsAffected() == 0 || !l.timer.Reset(l.term) {
			return errors.Join(errLost, err)
		}
	}
}

// release gives the lease back.
func (l *lease) release() {
	if l.timer != nil {
		l.timer.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx) // the session ends either way.
}
