package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/postgres"
)

// measureAppends compares the store with a plain INSERT per transaction, and
// looks at how soon a reader hears of an append.
func measureAppends(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	if err := measureLatency(ctx, in, size, t, "nothing else happens", 0); err != nil {
		return err
	}
	if err := measureLatency(ctx, in, size, t, "16 callers append all the time", 16); err != nil {
		return err
	}
	return compareAppends(ctx, in, size, t, "an empty log")
}

func compareAppends(ctx context.Context, in *installation, size sizes, t *tableOf, state string) error {
	bare, err := bench.NewBare(ctx, in.Pool(postgres.RoleOwner))
	if err != nil {
		return err
	}
	rows, err := bench.Appends(ctx, bare, in.store, size.while, 1, 8, 32, 128)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a := aim{}
		if r.Store.Callers == 32 {
			a = atLeast(r.Ratio(), 1.4, "x")
		}
		t.row(fmt.Sprintf("appends, %d callers, %s", r.Store.Callers, state),
			fmt.Sprintf("%s, p99 %s", perSecond(r.Store.PerSecond()), took(r.Store.P99)),
			"bare INSERT per transaction: "+perSecond(r.Bare.PerSecond()), times(r.Ratio()), a)
	}
	return bare.Close(ctx)
}

// measureLatency takes the time from an append's answer to its reader, while
// others append.
func measureLatency(ctx context.Context, in *installation, size sizes, t *tableOf, state string, others int) error {
	loadCtx, stop := context.WithCancel(ctx)
	defer stop()
	var load sync.WaitGroup
	var done atomic.Int64
	for range others {
		load.Go(func() {
			for loadCtx.Err() == nil {
				if _, err := in.store.Append(loadCtx, bench.NewAppend(newAccount())); err == nil {
					done.Add(1)
				}
			}
		})
	}
	begin := time.Now()
	p50, p99, err := bench.Latency(ctx, in.store, in.log, size.appends)
	if others > 0 {
		state += fmt.Sprintf(" (%s)", perSecond(float64(done.Load())/time.Since(begin).Seconds()))
	}
	stop()
	load.Wait()
	if err != nil {
		return err
	}
	t.row("from an append's answer to its reader, "+state, fmt.Sprintf("p50 %s, p99 %s", took(p50), took(p99)), "", "", atMost(float64(p99)/float64(time.Millisecond), 20, " ms"))
	return nil
}
