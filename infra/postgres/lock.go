package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// heartbeat is how often a held lock's connection is proved to live, for ends
// that the network does not tell.
const heartbeat = 5 * time.Second

// ErrHeld says that somebody else holds the lock.
var ErrHeld = errors.New("lock is held by somebody else")

// Held is a session advisory lock of the database, on a connection of its own,
// so that the lock goes when its holder dies.
type Held struct {
	conn   *pgx.Conn
	lost   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// Lock waits, until ctx ends, for the lock called name. Locks do not nest: a
// second Lock of the same name waits, also in the same process. Needs a direct
// connection, or a pooler that pools sessions.
func Lock(ctx context.Context, pool *pgxpool.Pool, name string) (*Held, error) {
	return hold(ctx, pool, name, "select true from pg_advisory_lock(hashtextextended($1, 0))")
}

// TryLock takes the lock called name, or returns ErrHeld at once.
func TryLock(ctx context.Context, pool *pgxpool.Pool, name string) (*Held, error) {
	return hold(ctx, pool, name, "select pg_try_advisory_lock(hashtextextended($1, 0))")
}

func hold(ctx context.Context, pool *pgxpool.Pool, name, sql string) (*Held, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	conn := pooled.Hijack()
	_, err = conn.Exec(ctx, "set statement_timeout = 0; set lock_timeout = 0")
	taken := false
	if err == nil {
		err = conn.QueryRow(ctx, sql, name).Scan(&taken)
	}
	if err == nil && !taken {
		err = ErrHeld
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	held := &Held{conn: conn, lost: make(chan struct{}), cancel: cancel, ended: make(chan struct{})}
	go held.watch(watching)
	return held, nil
}

// Lost is closed once the lock may belong to somebody else: its connection
// ended. A holder that is frozen learns it only when it wakes, so what the lock
// guards must be fenced besides.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Release gives the lock free; Lost then closes too. Again it does nothing.
func (h *Held) Release() {
	h.cancel()
	<-h.ended
}

func (h *Held) watch(ctx context.Context) {
	defer close(h.ended)
	defer func() {
		close(h.lost)
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = h.conn.Close(bye)
	}()
	for {
		wait, cancel := context.WithTimeout(ctx, heartbeat)
		_, err := h.conn.WaitForNotification(wait)
		cancel()
		if ctx.Err() != nil || h.conn.IsClosed() {
			return
		}
		if err == nil {
			continue
		}
		prove, cancel := context.WithTimeout(ctx, heartbeat)
		err = h.conn.Ping(prove)
		cancel()
		if err != nil {
			return
		}
	}
}
