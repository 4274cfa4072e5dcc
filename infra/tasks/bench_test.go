package tasks_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// starts is a kind whose tasks tell when each began, after which they take a while.
func starts(long time.Duration) (k tasks.Kind, began chan tasks.Run, done *atomic.Int64) {
	began, done = make(chan tasks.Run, 100_000), &atomic.Int64{}
	return tasks.Declare("bench.starts", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Do: func(_ context.Context, run *tasks.Run, _ input) (output, error) {
			began <- *run
			time.Sleep(long)
			return output{}, nil
		},
		Apply: func(_ context.Context, _ *tasks.Run, in input, _ output) (any, error) {
			done.Add(1)
			return in, nil
		},
	}), began, done
}

// BenchmarkTasks says how many tasks a second come from their request to their
// end, of many accounts, with nothing to do in each.
func BenchmarkTasks(b *testing.B) {
	k, _, done := starts(0)
	r := newRig(b, k)
	r.react()
	r.worker(r.config())
	for b.Loop() {
		before := done.Load()
		const n = 2000
		for range 20 {
			r.queueMany(k, uuid.New(), n/20)
		}
		r.until("all", func() bool { return done.Load()-before == n })
	}
	b.ReportMetric(float64(done.Load())/b.Elapsed().Seconds(), "tasks/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart says how long after its request a task begins where nothing else
// is to be done.
func BenchmarkStart(b *testing.B) {
	k, began, _ := starts(0)
	r := newRig(b, k)
	r.react()
	r.worker(r.config())
	var waits []time.Duration
	for b.Loop() {
		from := time.Now()
		r.queue(k, uuid.New(), input{})
		<-began
		waits = append(waits, time.Since(from))
	}
	report(b, waits)
}

// BenchmarkSmallTenant says how long after its request the task of a small account
// begins behind 10,000 of a big one's, which take 20 ms each.
func BenchmarkSmallTenant(b *testing.B) {
	k, began, _ := starts(20 * time.Millisecond)
	r := newRig(b, k)
	big := uuid.New()
	r.queueMany(k, big, 10_000)
	r.react()
	r.until("they wait", func() bool { return r.rows("waiting") >= 9_900 })
	r.worker(r.config())
	for range 50 {
		<-began
	}
	var waits []time.Duration
	for b.Loop() {
		small := uuid.New()
		from := time.Now()
		r.queue(k, small, input{})
		for (<-began).Tenant.Account != small {
		}
		waits = append(waits, time.Since(from))
		time.Sleep(30 * time.Millisecond)
	}
	if r.rows("waiting") == 0 {
		b.Error("the long queue ran dry")
	}
	report(b, waits)
}

// BenchmarkTakeOver says how long after a process was killed its task begins again
// elsewhere.
func BenchmarkTakeOver(b *testing.B) {
	db := pgtest.New(b)
	k := told(devNull(b), "other")
	r := openRig(b, db.Postgres, k)
	r.react()
	var waits []time.Duration
	for b.Loop() {
		cmd, lines := child(b, db.AdminURL)
		account := uuid.New()
		task := r.queue(k, account, input{N: 60_000})
		says(b, lines, "child attempt 1")
		stop := r.worker(r.config())
		if err := cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		from := time.Now()
		r.ended(account, task)
		waits = append(waits, time.Since(from))
		stop()
	}
	report(b, waits)
}

func report(b *testing.B, waits []time.Duration) {
	b.Helper()
	slices.Sort(waits)
	at := func(q float64) float64 {
		return float64(waits[min(len(waits)-1, int(q*float64(len(waits))))]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(0, "ns/op")
}
