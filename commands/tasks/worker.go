package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/igny8/igny8/commands"
)

// LeaseTime is how long a worker is believed in that gives no sign of life,
// though its process is there.
const LeaseTime = 10 * time.Second

// Worker does tasks, for as long as it runs, beside any number of others in this
// process and others.
type Worker struct {
	config Config
	kinds  map[string]Kind
	names  []string
}

// Metrics takes what a worker observes; it returns at once.
type Metrics interface {
	// TaskStarted is told how long a task waited though it could have started, and
	// whether its account had nothing running.
	TaskStarted(kind string, idle bool, waited time.Duration)
	// TaskEnded is told how an attempt ended: a state, or "retried", "lost",
	// "returned".
	TaskEnded(kind, how string, took time.Duration)
	// TaskAbandoned is told of work that goes on though its time is over.
	TaskAbandoned(kind string)
}

// Config is what a Worker works with. Kinds, Queue and Bus are required.
type Config struct {
	Kinds   []Kind
	Queue   Queue
	Bus     *commands.Bus
	Bell    *Bell        // nil is one that nobody rings
	Logger  *slog.Logger // nil logs nothing
	Metrics Metrics      // nil observes nothing
	// Slots is how many tasks it does at once, a fifth of them (at least one of
	// several) only for accounts with nothing running. Default 10.
	Slots int
	// PerAccount is how many tasks of an account run at once, anywhere. Default 8.
	PerAccount int
	// Lease is the queue's. Default LeaseTime.
	Lease time.Duration
	// Poll is how often it looks for tasks that nobody told it of, and FreeLost
	// how often for those of workers that are gone. Defaults 2 s, 400 ms.
	Poll, FreeLost time.Duration
	// Grace is how long work may take to end once its context has; then it is
	// left to itself, and its task goes on without it. Default 5 s.
	Grace time.Duration
	// Drain is how long tasks may go on once the worker is to stop, before they
	// are given back. Default 1 s.
	Drain time.Duration
	// Backoff is how long to wait after the n-th attempt. The default begins with
	// a second, quadruples up to five minutes, and strays by a quarter.
	Backoff func(attempt int) time.Duration
	// Step is called between the steps of a task with their names; tests kill or
	// freeze the process there.
	Step func(name string)
}

// NewWorker makes a worker. It panics without kinds, or with one twice: that is
// a mistake in the program.
func NewWorker(c Config) *Worker {
	w := &Worker{config: c.withDefaults(), kinds: map[string]Kind{}}
	for _, k := range c.Kinds {
		if _, twice := w.kinds[k.Name]; twice {
			panic("tasks: declared twice: " + k.Name)
		}
		w.kinds[k.Name] = k
		w.names = append(w.names, k.Name)
	}
	if len(w.names) == 0 {
		panic("tasks: a worker without kinds")
	}
	return w
}

func (c Config) withDefaults() Config {
	if c.Bell == nil {
		c.Bell = NewBell()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = unobserved{}
	}
	if c.Backoff == nil {
		c.Backoff = backoff
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	for _, d := range []struct {
		value *int
		to    int
	}{{&c.Slots, 10}, {&c.PerAccount, 8}} {
		if *d.value <= 0 {
			*d.value = d.to
		}
	}
	for _, d := range []struct {
		value *time.Duration
		to    time.Duration
	}{
		{&c.Lease, LeaseTime},
		{&c.Poll, 2 * time.Second},
		{&c.FreeLost, 400 * time.Millisecond},
		{&c.Grace, 5 * time.Second},
		{&c.Drain, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.to
		}
	}
	return c
}

// kept is how many of the slots are for accounts with nothing running.
func (c Config) kept() int {
	if c.Slots < 2 {
		return 0
	}
	return max(1, c.Slots/5)
}

func backoff(attempt int) time.Duration {
	d := min(time.Second<<(2*min(attempt-1, 8)), 5*time.Minute)
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // G404: chance keeps retries apart, it guards nothing.
}

// Run does tasks until ctx ends, then finishes or gives back what it has.
func (w *Worker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		seat, err := w.config.Queue.Join(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.config.Logger.WarnContext(ctx, "the worker has no place at the queue of tasks", slog.Any("error", err))
			}
			pause(ctx, 200*time.Millisecond)
			continue
		}
		newShift(w, seat).run(ctx)
		seat.Leave()
	}
	return fmt.Errorf("worker: %w", ctx.Err())
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

type unobserved struct{}

func (unobserved) TaskStarted(string, bool, time.Duration) {}
func (unobserved) TaskEnded(string, string, time.Duration) {}
func (unobserved) TaskAbandoned(string)                    {}
