package scheduler_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/scheduler"
)

// clock is one that a test sets.
type clock struct{ ns atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.ns.Store(at.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.ns.Add(int64(d)) }

var begin = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)

// run runs a scheduler until stop is called, which waits for its end.
func run(t *testing.T, c scheduler.Config) (stop func()) {
	t.Helper()
	c.Tick = 5 * time.Millisecond
	s := scheduler.New(c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// until waits for a schedule that is as it should be.
func until(t *testing.T, table *scheduler.Table, name string, is func(scheduler.Schedule) bool) scheduler.Schedule {
	t.Helper()
	var last []scheduler.Schedule
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		all, err := table.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.Name == name && is(s) {
				return s
			}
		}
		last = all
	}
	t.Fatalf("%s never came to it: %+v", name, last)
	return scheduler.Schedule{}
}

func ran(times int64) func(scheduler.Schedule) bool {
	return func(s scheduler.Schedule) bool { return s.Runs == times && s.EndedAt != nil }
}

func TestWorkIsDoneWhenItIsDueAndMissedRunsOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Postgres.Pool(postgres.RoleProjector)
	at, table := newClock(begin), scheduler.NewTable(pool)
	c := scheduler.Config{Pool: pool, Clock: at.now, Works: []scheduler.Work{{
		Name: "hourly", Spec: "0 * * * *", Jitter: time.Minute,
		Do: func(context.Context, scheduler.Run) (string, error) { return "as ever", nil },
	}}}
	stop := run(t, c)
	first := until(t, table, "hourly", func(s scheduler.Schedule) bool { return s.Runs == 0 })
	hour := begin.Truncate(time.Hour).Add(time.Hour)
	if first.NextAt.Before(hour) || !first.NextAt.Before(hour.Add(time.Minute)) {
		t.Errorf("it is due at %s", first.NextAt)
	}
	at.forward(61 * time.Minute)
	done := until(t, table, "hourly", ran(1))
	if done.Detail != "as ever" || done.Error != "" || done.NextAt.Before(hour.Add(time.Hour)) {
		t.Errorf("it came to %+v", done)
	}
	stop()
	at.forward(49 * time.Hour)
	run(t, c)
	if late := until(t, table, "hourly", ran(2)); !late.NextAt.After(at.now()) {
		t.Errorf("after two days of absence it is due at %s, now is %s", late.NextAt, at.now())
	}
}

func TestAFailureIsToldAndTriedAgainSoon(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Postgres.Pool(postgres.RoleProjector)
	at, table := newClock(begin), scheduler.NewTable(pool)
	var fails atomic.Bool
	fails.Store(true)
	run(t, scheduler.Config{Pool: pool, Clock: at.now, Works: []scheduler.Work{
		{Name: "daily", Spec: "@daily", Do: func(context.Context, scheduler.Run) (string, error) {
			if fails.Load() {
				return "", errors.New("no luck")
			}
			return "", nil
		}},
		{Name: "panics", Spec: "@daily", Do: func(context.Context, scheduler.Run) (string, error) { panic("oh") }},
		{Name: "slow", Spec: "@daily", Limit: time.Millisecond, Do: func(ctx context.Context, _ scheduler.Run) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}},
	}})
	for _, name := range []string{"daily", "panics", "slow"} {
		until(t, table, name, func(s scheduler.Schedule) bool { return s.Runs == 0 })
	}
	at.forward(24 * time.Hour)
	s := until(t, table, "daily", ran(1))
	if s.Error != "no luck" || s.Failures != 1 || s.NextAt.Sub(at.now()) > time.Minute {
		t.Errorf("it is %+v", s)
	}
	if s := until(t, table, "panics", ran(1)); !strings.HasPrefix(s.Error, "panic: oh") {
		t.Errorf("a panic is %q", s.Error)
	}
	if s := until(t, table, "slow", ran(1)); !strings.HasPrefix(s.Error, "it took longer than 1ms") {
		t.Errorf("too long is %q", s.Error)
	}
	at.forward(time.Minute)
	until(t, table, "daily", func(s scheduler.Schedule) bool { return s.Failures == 2 })
	fails.Store(false)
	at.forward(time.Minute)
	if s := until(t, table, "daily", ran(3)); s.Failures != 0 || s.Error != "" || s.NextAt.Sub(at.now()) < time.Hour {
		t.Errorf("after it went well it is %+v", s)
	}
}

func TestNoWorkRunsTwiceAtOnceAndWhatWasAskedForRunsAfterwards(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Postgres.Pool(postgres.RoleProjector)
	table := scheduler.NewTable(pool)
	var at, most atomic.Int64
	begun, goOn := make(chan struct{}, 8), make(chan struct{})
	work := scheduler.Work{Name: "long", Spec: "@every 1h", Do: func(ctx context.Context, run scheduler.Run) (string, error) {
		most.Store(max(most.Load(), at.Add(1)))
		defer at.Add(-1)
		run.Progress("%d of %d", 1, 2)
		begun <- struct{}{}
		select {
		case <-goOn:
			return "", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}}
	for range 3 { // as if in three processes
		run(t, scheduler.Config{Pool: pool, Works: []scheduler.Work{work}})
	}
	until(t, table, "long", func(s scheduler.Schedule) bool { return s.Runs == 0 })
	if err := table.Ask(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	<-begun
	until(t, table, "long", func(s scheduler.Schedule) bool { return s.Detail == "1 of 2" && s.EndedAt == nil })
	if err := table.Ask(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // ten chances to begin a second one.
	goOn <- struct{}{}
	<-begun
	goOn <- struct{}{}
	until(t, table, "long", ran(2))
	if most.Load() != 1 {
		t.Errorf("%d runs at once", most.Load())
	}
	if err := table.Ask(t.Context(), "none"); es.ClassOf(err) != es.NotFound {
		t.Errorf("asked for what there is not: %v", err)
	}
}

func TestARunThatWasCutOffIsBegunAgainAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Postgres.Pool(postgres.RoleProjector)
	table := scheduler.NewTable(pool)
	begun := make(chan struct{})
	c := scheduler.Config{Pool: pool, Works: []scheduler.Work{{
		Name: "long", Spec: "@every 1h", Do: func(ctx context.Context, _ scheduler.Run) (string, error) {
			begun <- struct{}{}
			<-ctx.Done()
			return "", ctx.Err()
		},
	}}}
	stop := run(t, c)
	until(t, table, "long", func(scheduler.Schedule) bool { return true })
	if err := table.Ask(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	<-begun
	stop()
	if s := until(t, table, "long", func(scheduler.Schedule) bool { return true }); s.EndedAt != nil || s.Failures != 0 {
		t.Errorf("a run that was cut off is %+v", s)
	}
	run(t, c)
	<-begun
	until(t, table, "long", func(s scheduler.Schedule) bool { return s.Runs == 2 })
}
