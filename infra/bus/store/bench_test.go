package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
	"github.com/igny8/igny8/infra/bus/bustest"
	"github.com/igny8/igny8/infra/bus/deadletter"
	"github.com/igny8/igny8/infra/postgres"
)

// BenchmarkMessages drains a full log through the whole router with a handler
// that does nothing: messages a second.
func BenchmarkMessages(b *testing.B) {
	w, keys := newWorld(b), bustest.Keys(1000)
	const each = 50
	for range each {
		w.Publish(b, keys...)
	}
	for n := 0; b.Loop(); n++ {
		var handled atomic.Int64
		done := make(chan struct{})
		stop := react(b, w, fmt.Sprintf("g%d", n), func(context.Context, es.Recorded, es.Event) error {
			if handled.Add(1) == int64(each*len(keys)) {
				close(done)
			}
			return nil
		})
		<-done
		stop()
	}
	b.ReportMetric(float64(each*len(keys)*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkLatency is the time from an append's answer to its handler, with so
// many events a second.
func BenchmarkLatency(b *testing.B) {
	for _, rate := range []int{100, 2000, 10_000} {
		b.Run(fmt.Sprintf("at %d a second", rate), func(b *testing.B) {
			w, keys := newWorld(b), bustest.Keys(200)
			var (
				mu        sync.Mutex
				committed = map[es.ID]time.Time{} // by event
				early     = map[es.ID]time.Time{}
				took      []time.Duration
			)
			stop := react(b, w, "g", func(_ context.Context, rec es.Recorded, _ es.Event) error {
				now := time.Now()
				mu.Lock()
				defer mu.Unlock()
				if at, ok := committed[rec.ID]; ok {
					took = append(took, now.Sub(at))
				} else {
					early[rec.ID] = now
				}
				return nil
			})
			defer stop()
			w.Publish(b, keys...)
			time.Sleep(500 * time.Millisecond)
			mu.Lock()
			clear(early)
			took = nil
			mu.Unlock()
			const batches = 400
			size := max(1, min(rate/100, len(keys)))
			every := time.Second * time.Duration(size) / time.Duration(rate)
			for b.Loop() {
				next := time.Now()
				for n := range batches {
					appends := make([]es.Append, 0, size)
					for i := range size {
						appends = append(appends, w.append(keys[(n*size+i)%len(keys)], 1))
					}
					results := w.store.AppendMany(b.Context(), appends)
					now := time.Now()
					mu.Lock()
					for i, a := range appends {
						if results[i].Err != nil {
							b.Fatal(results[i].Err)
						}
						if at, ok := early[a.Events[0].ID]; ok {
							took = append(took, max(0, at.Sub(now)))
						}
						committed[a.Events[0].ID] = now
					}
					mu.Unlock()
					next = next.Add(every)
					time.Sleep(time.Until(next))
				}
			}
			time.Sleep(300 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(float64(len(took))/float64(batches*size*b.N), "handled")
		})
	}
}

// react runs a router with one reaction in a process of its own, so to speak.
func react(b *testing.B, w *world, group string, reaction commands.Reaction) (stop func()) {
	b.Helper()
	m, err := join(w.db.AdminURL, "unused")
	if err != nil {
		b.Fatal(err)
	}
	kind := es.Kind[note]{Name: "test.note", Evolve: evolveNote, Events: es.Events(noteAdded{})}
	router, err := bus.NewRouter(bus.Config{
		Groups:      []commands.Reactions{{Group: group, Types: []string{"test.*"}, React: []commands.Reaction{reaction}}},
		Subscribers: m.Bus, DeadLetters: deadletter.New(m.db.Pool(postgres.RoleProjector)),
		Registry: es.NewRegistry(kind), Logger: logger(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	return func() {
		cancel()
		<-ended
		m.Leave()
	}
}

// BenchmarkConversion is an event to a message and back.
func BenchmarkConversion(b *testing.B) {
	w := newWorld(b)
	rec := w.append(bustest.Keys(1)[0], 1).Events[0]
	rec.Position, rec.RecordedAt = 1, time.Now()
	var m *message.Message
	for b.Loop() {
		m = bus.Message(rec)
		if _, err := bus.Recorded(m); err != nil {
			b.Fatal(err)
		}
	}
}
