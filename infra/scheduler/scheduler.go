// Package scheduler runs periodic work: one process at a time does, each work
// never twice at once, and what every run came to is kept in the table schedules.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/robfig/cron/v3"
)

// Work is something that is done periodically. It may be cut off anywhere, and
// is called again then.
type Work struct {
	// Name is persisted: "retention.purge".
	Name string
	// Spec is when: a cron expression of five fields in UTC, or with a time zone
	// before it ("CRON_TZ=Europe/Berlin 30 3 * * *"), or "@every 1m".
	Spec string
	// Jitter puts each run off by a random time below it, so that not everything
	// happens at once.
	Jitter time.Duration
	// Limit is how long a run may take; 0 is 10 minutes.
	Limit time.Duration
	// Do does it, and says in a few words what it came to.
	Do func(ctx context.Context, run Run) (string, error)
}

// Run is one run of a work.
type Run struct{ progress func(string) }

// Progress tells how far the run is, for people who look. It costs little to
// call it often.
func (r Run) Progress(format string, args ...any) { r.progress(fmt.Sprintf(format, args...)) }

// Config is what a Scheduler works with. The first three are required.
type Config struct {
	// Pool is that of the role igny8_projector; one of its connections is kept.
	Pool  *pgxpool.Pool
	Works []Work
	Clock func() time.Time
	// Lease is how long a holder may be silent before another process takes its
	// place; a dead one's is free at once. 0 is 4 s.
	Lease  time.Duration
	Tick   time.Duration // how often it looks what is due; 0 is 500 ms
	Logger *slog.Logger
}

// Scheduler runs works while this process holds the lease.
type Scheduler struct {
	config Config
	table  *Table
	works  []scheduled

	mu      sync.Mutex
	running map[string]bool
}

type scheduled struct {
	Work
	when cron.Schedule
}

// retryAfter is when a failed run is tried again, unless it is due before.
const retryAfter = time.Minute

// New makes a scheduler. It panics on a spec that does not parse and a name used
// twice: that is a mistake in the program.
func New(c Config) *Scheduler {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Lease == 0 {
		c.Lease = 4 * time.Second
	}
	if c.Tick == 0 {
		c.Tick = 500 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{config: c, table: NewTable(c.Pool), running: map[string]bool{}}
	names := map[string]bool{}
	for _, w := range c.Works {
		when, err := cron.ParseStandard(w.Spec)
		if err != nil || names[w.Name] || w.Name == "" {
			panic(fmt.Sprintf("scheduler: %q twice or without a name, or its spec %q is wrong: %v", w.Name, w.Spec, err))
		}
		if w.Limit == 0 {
			w.Limit = 10 * time.Minute
		}
		names[w.Name] = true
		s.works = append(s.works, scheduled{w, when})
	}
	return s
}

// Run runs what is due, for as long as this process holds the lease and ctx
// lasts; runs are cut off at its end and go on at the next holder. It returns
// once they have ended.
func (s *Scheduler) Run(ctx context.Context) error {
	for {
		err := s.hold(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.config.Logger.WarnContext(ctx, "scheduler starts anew", slog.Any("error", err))
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hold waits for the lease and works until it is lost.
func (s *Scheduler) hold(ctx context.Context) error {
	l, err := acquire(ctx, s.config.Pool, s.config.Lease)
	if err != nil {
		return err
	}
	defer l.release() //nolint:contextcheck // also once ctx has ended.
	var runs sync.WaitGroup
	defer runs.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	runs.Go(func() { cancel(l.beat(ctx)) })
	if err := s.table.begin(ctx, l.epoch, s.rows()); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	ticker := time.NewTicker(s.config.Tick)
	defer ticker.Stop()
	for {
		due, err := s.table.due(ctx, s.config.Clock())
		if err != nil {
			cancel(err)
			return errors.Join(err, context.Cause(ctx))
		}
		for _, w := range s.works {
			if due[w.Name] && s.take(w.Name) {
				runs.Go(func() {
					defer s.give(w.Name)
					if err := s.run(ctx, l.epoch, w); err != nil {
						cancel(err)
					}
				})
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Scheduler) rows() []row {
	rows := make([]row, len(s.works))
	for i, w := range s.works {
		rows[i] = row{name: w.Name, spec: w.Spec, next: w.next(s.config.Clock())}
	}
	return rows
}

func (w scheduled) next(now time.Time) time.Time {
	next := w.when.Next(now.UTC())
	if w.Jitter > 0 {
		next = next.Add(rand.N(w.Jitter)) //nolint:gosec // G404: nothing depends on it being unforeseeable.
	}
	return next
}

func (s *Scheduler) take(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[name] {
		return false
	}
	s.running[name] = true
	return true
}

func (s *Scheduler) give(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, name)
}

// run does a work once and records it. An error is one of recording it, which
// ends the hold.
func (s *Scheduler) run(ctx context.Context, epoch int64, w scheduled) error {
	started := s.config.Clock()
	next := w.next(started)
	if err := s.table.start(ctx, epoch, row{name: w.Name, next: next}, started); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, w.Limit)
	defer cancel()
	detail, failure := attempt(limited, w, Run{progress: s.progress(limited, w.Name)})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was cut off: whoever holds the lease next begins with it.
	}
	if failure != nil && limited.Err() != nil {
		failure = fmt.Errorf("it took longer than %s: %w", w.Limit, failure)
	}
	ended := s.config.Clock()
	if retry := ended.Add(retryAfter); failure != nil && retry.Before(next) {
		next = retry
	}
	log := s.config.Logger.With(slog.String("work", w.Name), slog.Duration("took", ended.Sub(started)))
	if failure != nil {
		log.WarnContext(ctx, "periodic work failed", slog.Any("error", failure))
	} else {
		log.DebugContext(ctx, "periodic work done", slog.String("detail", detail))
	}
	return s.table.end(ctx, epoch, row{name: w.Name, next: next}, ended, detail, failure)
}

func attempt(ctx context.Context, w scheduled, run Run) (detail string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return w.Do(ctx, run)
}

// progress keeps what a run tells, at most once a second.
func (s *Scheduler) progress(ctx context.Context, name string) func(string) {
	var mu sync.Mutex
	var last time.Time
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		if err := s.table.tell(ctx, name, text); err != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "the progress of periodic work was not kept", slog.String("work", name), slog.Any("error", err))
		}
	}
}
