// Package store feeds consumer groups from the log itself, on Postgres: no
// broker is needed. A group has a fixed number of partitions; the hash of an
// aggregate's id picks one, and each has one message in flight. Partitions are
// shared out among the processes that run the group, each holds them under a
// lease, and a checkpoint per partition says how far the group came. docs/adr
// has the reasons and the measurements.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
)

// Channel is where Postgres tells that partitions may be had, that a consumer
// came or went, or that a dead letter is to be replayed.
const Channel = deadletter.Channel

// Log is what groups are fed from.
type Log interface {
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
	Wait(ctx context.Context, after int64) (int64, error)
}

// Letters tells which dead letters are to be replayed.
type Letters interface {
	List(ctx context.Context, f deadletter.Filter, limit int) ([]deadletter.Letter, error)
}

// Config is what a Bus is made of.
type Config struct {
	Pool    *pgxpool.Pool // of the role igny8_projector
	Log     Log
	Letters Letters // nil replays nothing
	// Bell has notifications on Channel take effect at once; without it they wait
	// for the next heartbeat.
	Bell   Bell
	Logger *slog.Logger
	// Partitions are those of a group that subscribes for the first time; 0 is
	// 16. A group that is known keeps its own.
	Partitions int
	// Lease is how long a process that says nothing keeps its partitions; 0 is
	// 3 s. All processes must have the same.
	Lease time.Duration
}

// Bus is one process's part in its consumer groups. It is safe for concurrent
// use. It keeps two connections besides the pool's while it has groups: one
// whose session tells others that the process lives, one that waits for the end
// of another's.
type Bus struct {
	config Config
	bell   Bell // rung when shares may have changed

	head   atomic.Int64
	leased atomic.Pointer[time.Time] // until when the partitions are surely ours
	saves  saves

	mu     sync.Mutex
	groups map[string]*group
	closed bool
	start  sync.Once
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

// Bell wakes a Bus. Ring it at each notification on Channel.
type Bell chan struct{}

// NewBell makes a Bell for one Bus.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes the Bus.
func (b Bell) Ring(string) { ring(b) }

// New makes a Bus. It does nothing before its first group.
func New(c Config) *Bus {
	if c.Partitions == 0 {
		c.Partitions = 16
	}
	if c.Lease == 0 {
		c.Lease = 3 * time.Second
	}
	if c.Bell == nil {
		c.Bell = NewBell()
	}
	return &Bus{
		config: c, bell: c.Bell, groups: map[string]*group{},
		saves: saves{now: make(chan struct{}, 1), soon: make(chan struct{}, 1)},
	}
}

// Close gives up all partitions, when the messages in flight are done, and ends.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.closed = true
	groups := make([]*group, 0, len(b.groups))
	for _, g := range b.groups {
		groups = append(groups, g)
	}
	stop := b.stop
	b.mu.Unlock()
	var all sync.WaitGroup
	for _, g := range groups {
		all.Go(g.end)
	}
	all.Wait()
	if stop != nil {
		stop()
	}
	b.ended.Wait()
	return nil
}

var errClosed = errors.New("the bus is closed")

// add lets a group begin, and starts the process's loops with the first.
func (b *Bus) add(g *group) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return errClosed
	case b.groups[g.name] != nil:
		return errors.New("the group " + g.name + " subscribes twice in one process")
	}
	b.groups[g.name] = g
	b.start.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		b.stop = cancel
		b.ended.Go(func() { b.belong(ctx) })
		b.ended.Go(func() { b.follow(ctx) })
		b.ended.Go(func() { b.saveLoop(ctx) })
	})
	ring(b.bell)
	return nil
}

func (b *Bus) remove(g *group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.groups[g.name] == g {
		delete(b.groups, g.name)
	}
	ring(b.bell)
}

func (b *Bus) group(name string) *group {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.groups[name]
}

func (b *Bus) all() []*group {
	b.mu.Lock()
	defer b.mu.Unlock()
	groups := make([]*group, 0, len(b.groups))
	for _, g := range b.groups {
		groups = append(groups, g)
	}
	return groups
}

// follow keeps the head of the log, for all groups of the process.
func (b *Bus) follow(ctx context.Context) {
	for ctx.Err() == nil {
		head, err := b.config.Log.Wait(ctx, b.head.Load())
		if err != nil {
			pause(ctx, time.Second)
			continue
		}
		b.head.Store(head)
		for _, g := range b.all() {
			ring(g.bell)
		}
	}
}

// ours says whether nobody else can have taken the partitions that the process
// thinks it has.
func (b *Bus) ours() bool {
	until := b.leased.Load()
	return until != nil && time.Now().Before(*until)
}

// ring wakes who waits for the bell, or who comes to wait next.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// pause waits and says whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
