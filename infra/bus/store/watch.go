package store

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// watch waits for the end of another member's session, so that its death is seen
// at once. Each member watches the next one in the order of ids, so that each is
// watched by one and a further process costs a further connection only.
type watch struct {
	bus    *Bus
	change chan struct{}

	mu     sync.Mutex
	target uuid.UUID // zero: nobody
	dead   map[uuid.UUID]bool
	stop   context.CancelFunc // of the wait for target
}

func newWatch(b *Bus) *watch {
	return &watch{bus: b, change: make(chan struct{}, 1), dead: map[uuid.UUID]bool{}}
}

// next picks whom to watch among the living.
func (w *watch) next(me uuid.UUID, alive []member) {
	ids := make([]uuid.UUID, 0, len(alive))
	for _, m := range alive {
		ids = append(ids, m.id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	var target uuid.UUID
	if len(ids) > 1 {
		target = ids[(slices.Index(ids, me)+1)%len(ids)]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if target == w.target {
		return
	}
	w.target = target
	if w.stop != nil {
		w.stop()
	}
	ring(w.change)
}

func (w *watch) isDead(id uuid.UUID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead[id]
}

// run watches until ctx ends.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.mu.Lock()
		target := w.target
		waiting, stop := context.WithCancel(ctx)
		w.stop = stop
		w.mu.Unlock()
		if target == (uuid.UUID{}) {
			select {
			case <-w.change:
			case <-ctx.Done():
			}
			stop()
			continue
		}
		ended := w.ended(waiting, target) == nil
		canceled := waiting.Err() != nil
		stop()
		switch {
		case ended:
			w.mu.Lock()
			w.dead[target] = true
			if w.target == target {
				w.target = uuid.UUID{}
			}
			w.mu.Unlock()
			ring(w.bus.bell)
		case !canceled:
			pause(ctx, time.Second)
		}
	}
}

// ended returns nil once the member's session ended.
func (w *watch) ended(ctx context.Context, id uuid.UUID) error {
	pooled, err := w.bus.config.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // it waits for long: a canceled wait costs the connection.
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(bye)
	}()
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0; SET lock_timeout = 0`); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `SELECT pg_advisory_lock_shared(hashtextextended($1, 0))`, pgx.QueryExecModeSimpleProtocol, lockName(id))
	return err
}
