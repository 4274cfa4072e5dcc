package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Runner feeds projections from the log, each event exactly once, however many
// processes run one: of each projection's version one process at a time holds
// the lease, and another takes over as soon as the holder's connection is gone.
// A holder that was only frozen is fenced by the epoch when it wakes.
type Runner struct {
	pool      *pgxpool.Pool
	log       Log
	logger    *slog.Logger
	feed      *feed
	leases    *leases
	advancer  *advancer
	positions *Positions
	workers   []*worker

	// pause is for tests, which freeze a runner there.
	pause func(at moment, key Key)
}

// moment is where a runner can be frozen.
type moment string

const (
	beforeBegin  moment = "before begin"
	beforeCommit moment = "before commit"
	beforeLease  moment = "before lease"
)

func (r *Runner) at(m moment, key Key) {
	if r.pause != nil {
		r.pause(m, key)
	}
}

// Config is what a Runner works with. Everything is required but Positions and
// Logger.
type Config struct {
	// Pool is that of the role igny8_projector. The runner takes its settings
	// and opens connections of its own: one per projection and two more.
	Pool        *pgxpool.Pool
	Log         Log
	Registry    *es.Registry
	Projections []Projection
	// Positions is where readers of this process wait.
	Positions *Positions
	Logger    *slog.Logger
}

// NewRunner makes a runner; the projections' versions must have been built (see
// Admin.Ensure). It panics on a projection given twice.
func NewRunner(c Config) *Runner {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Positions == nil {
		c.Positions = NewPositions()
	}
	r := &Runner{pool: c.Pool, log: c.Log, logger: c.Logger, positions: c.Positions, leases: newLeases()}
	for _, p := range c.Projections {
		if slices.ContainsFunc(r.workers, func(w *worker) bool { return w.key == p.Key() }) {
			panic("projections: twice: " + p.Key().String())
		}
		r.workers = append(r.workers, newWorker(r, p))
	}
	r.feed = newFeed(c.Log, c.Registry)
	r.advancer = newAdvancer()
	return r
}

// Run feeds the projections until the context ends, which is no error. What
// fails is tried again, with a pause; Stats tells of it.
func (r *Runner) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { r.keep(ctx, "leases", r.keepLeases) })
	all.Go(func() { r.keep(ctx, "advancer", r.advance) })
	for _, w := range r.workers {
		all.Go(func() { r.keep(ctx, w.key.String(), w.session) })
	}
	all.Wait()
	return nil
}

// keep runs a part again whenever it ends, until the context does.
func (r *Runner) keep(ctx context.Context, name string, part func(context.Context) error) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		started := time.Now()
		err := part(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errFenced) || time.Since(started) > 10*time.Second:
			pause = 0
		default:
			r.logger.WarnContext(ctx, "projections: starting again", slog.String("part", name), slog.Any("error", err))
		}
		pause = min(max(pause*2, 10*time.Millisecond), 5*time.Second)
		if sleep(ctx, pause) != nil {
			return
		}
	}
}

// connect opens a connection of the runner's own, outside the pool.
func connect(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	config := pool.Config()
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	if config.AfterConnect != nil {
		if err := config.AfterConnect(ctx, conn); err != nil {
			disconnect(ctx, conn)
			return nil, err
		}
	}
	return conn, nil
}

// disconnect closes a connection, also after the context has ended.
func disconnect(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// own connects for work whose loss with a crash does no harm, because the
// checkpoint is lost with it: commits need not wait for the disk. A process
// that freezes in a transaction holds its locks for 5 s.
func own(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	conn, err := connect(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off; SET idle_in_transaction_session_timeout = '5s'"); err != nil {
		disconnect(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// Stats is what a projection is doing in this process, for metrics.
type Stats struct {
	Key  Key
	Held bool // this process feeds it
	// Position is the last that it has taken in; Lag counts what follows it in
	// the log, and LagTime is for how long each call of Stats has found it
	// behind. Both are zero when it is not fed here.
	Position int64
	Lag      int64
	LagTime  time.Duration
	Applied  int64 // events, since this process started
	Parked   int   // accounts
	Failing  string
}

// Stats tells of every projection.
func (r *Runner) Stats(ctx context.Context) []Stats {
	head, err := r.log.Head(ctx)
	all := make([]Stats, len(r.workers))
	for i, w := range r.workers {
		all[i] = w.stats(head)
		if err != nil {
			all[i].Failing = err.Error()
		}
	}
	return all
}
