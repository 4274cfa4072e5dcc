package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/projections"
)

// Latency is the time from an append's answer, which follows its commit, until
// a waiting reader of the log is told; p50 and p99 of n appends, one after
// another.
func Latency(ctx context.Context, store *postgres.Store, log projections.Log, n int) (p50, p99 time.Duration, err error) {
	account := newID()
	head, err := log.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	took := make([]time.Duration, n)
	for i := range took {
		done := make(chan time.Time, 1)
		failed := make(chan error, 1)
		go func() {
			if _, err := log.Wait(ctx, head); err != nil {
				failed <- err
				return
			}
			done <- time.Now()
		}()
		result, err := store.Append(ctx, NewAppend(account))
		if err != nil {
			return 0, 0, fmt.Errorf("append to measure latency: %w", err)
		}
		committed := time.Now()
		select {
		case told := <-done:
			took[i] = max(0, told.Sub(committed))
		case err := <-failed:
			return 0, 0, err
		}
		head = result.Position
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100], nil
}
