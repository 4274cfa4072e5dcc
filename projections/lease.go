package projections

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// leasePoll is how often a process looks whether it can take a lease over.
const leasePoll = 100 * time.Millisecond

// leases are the session locks of this process, all held by one connection:
// they are gone the moment it is. They only choose who feeds a projection; that
// nobody else does is the epoch's to hold.
type leases struct {
	mu      sync.Mutex
	held    map[Key]*lease
	changed chan struct{}
}

// lease is one that is held: lost ends when it no longer is.
type lease struct {
	lost context.Context //nolint:containedctx // it is a signal, made to be handed on
	end  context.CancelFunc
}

func newLeases() *leases { return &leases{held: map[Key]*lease{}, changed: make(chan struct{})} }

func (l *leases) take(keys []Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		lost, end := context.WithCancel(context.Background())
		l.held[k] = &lease{lost, end}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *leases) loseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		held.end()
	}
	clear(l.held)
}

func (l *leases) look(key Key) (held *lease, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[key], l.changed
}

// await returns once this process holds the key's lease, with a context that
// ends when it no longer does.
func (l *leases) await(ctx context.Context, key Key) (lost context.Context, err error) {
	for {
		held, changed := l.look(key)
		if held != nil {
			return held.lost, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// lockNumber is the advisory lock of a purpose and a key.
func lockNumber(purpose string, key Key) int64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "igny8 %s %s", purpose, key)
	return int64(h.Sum64()) //nolint:gosec // G115: only the bits matter.
}

// keepLeases takes every lease that is free, until its connection dies.
func (r *Runner) keepLeases(ctx context.Context) error {
	r.at(beforeLease, Key{})
	conn, err := connect(ctx, r.pool)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	keys := make([]Key, len(r.workers))
	for i, w := range r.workers {
		keys[i] = w.key
	}
	defer r.leases.loseAll()
	for {
		got, err := r.tryLeases(ctx, conn, keys)
		if err != nil {
			return err
		}
		if len(got) > 0 {
			r.leases.take(got)
		}
		if err := sleep(ctx, leasePoll); err != nil {
			return err
		}
	}
}

// tryLeases takes what is free of what is not held yet. With everything held it
// still asks, to notice that the connection is alive.
func (r *Runner) tryLeases(ctx context.Context, conn *pgx.Conn, keys []Key) (got []Key, err error) {
	var missing []Key
	var numbers []int64
	for _, k := range keys {
		if held, _ := r.leases.look(k); held == nil {
			missing, numbers = append(missing, k), append(numbers, lockNumber("projection", k))
		}
	}
	rows, err := conn.Query(ctx, `SELECT i FROM unnest($1::bigint[]) WITH ORDINALITY k(number, i) WHERE pg_try_advisory_lock(number)`, numbers)
	if err != nil {
		return nil, err
	}
	places, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, i := range places {
		got = append(got, missing[i-1])
	}
	return got, err
}
