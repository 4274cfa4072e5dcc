// Package followers keeps the positions of commands.Follower in Postgres. The
// right to follow is a session advisory lock, and positions are saved over that
// very session: whoever lost the lock cannot save.
package followers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
)

const (
	tryEvery  = 250 * time.Millisecond
	pingEvery = time.Second
)

// Checkpoints is a commands.Checkpoints. It is safe for concurrent use.
type Checkpoints struct{ pool *pgxpool.Pool }

// New keeps positions over the pool of the role igny8_projector. Each follower
// occupies one of its connections.
func New(pool *pgxpool.Pool) *Checkpoints { return &Checkpoints{pool} }

// Acquire waits until no other process follows under the name. A dead owner's
// lock is free as soon as Postgres sees its connection close.
func (c *Checkpoints) Acquire(ctx context.Context, name string) (commands.Lease, error) {
	for {
		l, err := c.try(ctx, name)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-time.After(tryEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try gives nil when another process holds the name.
func (c *Checkpoints) try(ctx context.Context, name string) (commands.Lease, error) {
	pooled, err := c.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("follower %s: %w", name, err)
	}
	conn := pooled.Hijack() // a closed session gives the lock back, whatever state it is in.
	l := &lease{conn: conn, name: name, lost: make(chan struct{}), done: make(chan struct{})}
	var held bool
	// A position that a crash takes back costs a repeat, and saves a wait for the
	// disk at each one.
	_, err = conn.Exec(ctx, `SET synchronous_commit = off`)
	if err == nil {
		err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('follower ' || $1, 0))`, name).Scan(&held)
	}
	if err == nil && held {
		err = conn.QueryRow(ctx, `
			INSERT INTO followers (name) VALUES ($1)
			ON CONFLICT (name) DO UPDATE SET position = followers.position
			RETURNING position`, name).Scan(&l.position)
	}
	if err != nil || !held {
		closeNow(conn) //nolint:contextcheck // also once ctx has ended.
		if err != nil {
			err = fmt.Errorf("follower %s: %w", name, err)
		}
		return nil, err
	}
	go l.watch() //nolint:contextcheck // until Release.
	return l, nil
}

// Position is how far the follower came; 0 if there never was one.
func (c *Checkpoints) Position(ctx context.Context, name string) (int64, error) {
	var position int64
	err := c.pool.QueryRow(ctx, `SELECT position FROM followers WHERE name = $1`, name).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("position of follower %s: %w", name, err)
	}
	return position, nil
}

type lease struct {
	name     string
	position int64
	lost     chan struct{}
	done     chan struct{}
	release  sync.Once

	mu   sync.Mutex // guards conn, which one caller at a time may use
	conn *pgx.Conn
}

func (l *lease) Position() int64 { return l.position }

func (l *lease) Lost() <-chan struct{} { return l.lost }

func (l *lease) Save(ctx context.Context, position int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.conn.Exec(ctx, `UPDATE followers SET position = $2 WHERE name = $1`, l.name, position); err != nil {
		return fmt.Errorf("saving position %d of follower %s: %w", position, l.name, err)
	}
	return nil
}

func (l *lease) Release() {
	l.release.Do(func() {
		close(l.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		closeNow(l.conn)
	})
}

// watch closes lost when the session is gone.
func (l *lease) watch() {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
		}
		if err := l.ping(); err != nil {
			close(l.lost)
			return
		}
	}
}

func (l *lease) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.Ping(ctx)
}

func closeNow(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the session ends either way.
}
