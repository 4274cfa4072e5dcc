package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/bench"
)

// measureLatency takes the time from when the store recorded an event, which is
// before its commit, until a reader that follows the log has read it.
func measureLatency(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	for _, load := range []struct {
		name    string
		callers int
		every   time.Duration
	}{
		{name: "100 events/s", callers: 1, every: 10 * time.Millisecond},
		{name: "10k events/s", callers: 32, every: 32 * time.Second / 10_000},
	} {
		var waits []time.Duration
		var made atomic.Int64
		began := time.Now()
		err := while(ctx, size.while,
			func(ctx context.Context) error { return appendPaced(ctx, in, load.callers, load.every, &made) },
			func(ctx context.Context) error {
				var err error
				waits, err = follow(ctx, in)
				return err
			})
		if err != nil {
			return fmt.Errorf("at %s: %w", load.name, err)
		}
		if len(waits) == 0 {
			return fmt.Errorf("at %s: nothing was read", load.name)
		}
		slices.Sort(waits)
		p50, p99 := waits[len(waits)/2], waits[len(waits)*99/100]
		t.row("an event, from before its commit to its reader, at "+load.name, fmt.Sprintf("p50 %s, p99 %s", took(p50), took(p99)),
			fmt.Sprintf("%d events read, %s", len(waits), perSecond(float64(made.Load())/time.Since(began).Seconds())),
			"", atMost(float64(p99)/float64(time.Millisecond), 20, " ms at p99"))
	}
	return nil
}

// while runs both until the time is over, or one fails.
func while(ctx context.Context, d time.Duration, both ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := time.AfterFunc(d, func() { cancel(nil) })
	defer over.Stop()
	var all sync.WaitGroup
	failed := make(chan error, len(both))
	for _, f := range both {
		all.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				failed <- err
				cancel(err)
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// appendPaced has each caller append once in every such time, or, when it is
// late, at once.
func appendPaced(ctx context.Context, in *installation, callers int, every time.Duration, made *atomic.Int64) error {
	account := newAccount()
	one := func(first time.Time) error {
		for due := first; ; due = due.Add(every) {
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return ctx.Err()
			}
			if _, err := in.store.Append(ctx, bench.NewAppend(account)); err != nil {
				return err
			}
			made.Add(1)
		}
	}
	var all sync.WaitGroup
	failed := make(chan error, callers)
	for i := range callers {
		first := time.Now().Add(every * time.Duration(i) / time.Duration(callers))
		all.Go(func() { failed <- one(first) })
	}
	all.Wait()
	return <-failed
}

// follow reads what is new until ctx ends, and gives how old each event was
// then.
func follow(ctx context.Context, in *installation) (waits []time.Duration, err error) {
	at, err := in.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	for {
		if _, err := in.log.Wait(ctx, at); err != nil {
			return waits, err
		}
		page, err := in.log.Read(ctx, at, es.Filter{}, 1000)
		if err != nil {
			return waits, err
		}
		now := time.Now()
		for _, e := range page.Events {
			waits = append(waits, now.Sub(e.RecordedAt))
		}
		at = page.Through
	}
}
