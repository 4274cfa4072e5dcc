package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
	"github.com/igny8/igny8/infra/bus/bustest"
	"github.com/igny8/igny8/infra/bus/deadletter"
	"github.com/igny8/igny8/infra/postgres"
)

type note struct{ es.Entity }

type noteAdded struct {
	N int64 `json:"n"`
}

func (noteAdded) EventType() string { return bustest.EventType }

func evolveNote(*note, es.Event) {}

// routed runs reactions on the log of a world, in one process.
func routed(t *testing.T, w *world, react commands.Reaction) (*bus.Router, *deadletter.Letters, *prometheus.Registry) {
	t.Helper()
	kind := es.Kind[note]{Name: "test.note", Evolve: evolveNote, Events: es.Events(noteAdded{})}
	m, err := join(w.db.AdminURL, "unused")
	if err != nil {
		t.Fatal(err)
	}
	letters, metrics := deadletter.New(m.db.Pool(postgres.RoleProjector)), prometheus.NewRegistry()
	router, err := bus.NewRouter(bus.Config{
		Groups:      []commands.Reactions{{Group: "g", Types: []string{"test.*"}, React: []commands.Reaction{react}}},
		Subscribers: m.Bus, DeadLetters: letters, Registry: es.NewRegistry(kind), Logger: logger(), Metrics: bus.NewMetrics(metrics),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		m.Leave()
	})
	return router, letters, metrics
}

// eventually waits for a condition that nothing tells of.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited too long until " + what)
		}
	}
}

// broken is a reaction that fails at some revisions until it is mended.
type broken struct {
	mu     sync.Mutex
	fails  map[int64]func() error
	tries  map[int64]int
	passed map[int64]int
}

func (b *broken) react(_ context.Context, rec es.Recorded, _ es.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries[rec.Revision]++
	if fail := b.fails[rec.Revision]; fail != nil {
		return fail()
	}
	b.passed[rec.Revision]++
	return nil
}

func (b *broken) seen(revision int64) (tries, passed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tries[revision], b.passed[revision]
}

func (b *broken) mend(revision int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.fails, revision)
}

func newBroken(fails map[int64]func() error) *broken {
	return &broken{fails: fails, tries: map[int64]int{}, passed: map[int64]int{}}
}

func TestWhatFailsAFewTimesBecomesADeadLetterAndIsReplayedOnRequest(t *testing.T) {
	t.Parallel()
	w, keys := newWorld(t), bustest.Keys(1)
	b := newBroken(map[int64]func() error{
		2: func() error { return errors.New("it is broken") },
		3: func() error { panic("and how") },
	})
	_, letters, _ := routed(t, w, b.react)
	w.Publish(t, keys[0], keys[0], keys[0], keys[0])
	eventually(t, "the group is past the broken ones", func() bool { _, passed := b.seen(4); return passed == 1 })
	list := func(state deadletter.State) []deadletter.Letter {
		t.Helper()
		found, err := letters.List(t.Context(), deadletter.Filter{States: []deadletter.State{state}}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	dead := list(deadletter.Dead)
	if len(dead) != 2 || dead[0].Error != "it is broken" || !strings.Contains(dead[1].Error, "and how") || dead[0].Attempts != 4 || dead[0].Group != "g" || dead[0].Position != 2 {
		t.Fatalf("dead letters: %+v", dead)
	}
	if tries, _ := b.seen(2); tries != 4 {
		t.Errorf("tried %d times", tries)
	}
	b.mend(2)
	if n, err := letters.Replay(t.Context(), deadletter.Filter{Groups: []string{"g"}}); err != nil || n != 2 {
		t.Fatalf("replaying %d, %v", n, err)
	}
	eventually(t, "the mended one is replayed and the other dead again", func() bool {
		return len(list(deadletter.Replayed)) == 1 && len(list(deadletter.Dead)) == 1
	})
	if _, passed := b.seen(2); passed != 1 {
		t.Errorf("the mended one passed %d times", passed)
	}
	if d := list(deadletter.Dead)[0]; d.Attempts != 8 || d.Position != 3 {
		t.Errorf("the other is %+v", d)
	}
	w.Publish(t, keys[0])
	eventually(t, "the group goes on", func() bool { _, passed := b.seen(5); return passed == 1 })
	if _, passed := b.seen(4); passed != 1 {
		t.Errorf("the replay took the checkpoint back: event 4 passed %d times", passed)
	}
}

func TestWhatIsUnavailableIsTriedForAsLongAsItTakesAndNamed(t *testing.T) {
	t.Parallel()
	w, keys := newWorld(t), bustest.Keys(1)
	b := newBroken(map[int64]func() error{1: func() error { return es.Refuse(es.Unavailable, "", "not now") }})
	router, letters, _ := routed(t, w, b.react)
	w.Publish(t, keys[0], keys[0])
	eventually(t, "it went back to the subscriber and came again", func() bool { tries, _ := b.seen(1); return tries > 12 })
	if stuck := router.Stuck(); len(stuck) != 1 || stuck[0] != "g cannot get past position 1 ("+bustest.EventType+")" {
		t.Errorf("stuck: %q", stuck)
	}
	if tries, _ := b.seen(2); tries > 0 {
		t.Error("what follows it was handled before it")
	}
	b.mend(1)
	eventually(t, "both passed", func() bool { _, passed := b.seen(2); return passed == 1 })
	if stuck := router.Stuck(); len(stuck) != 0 {
		t.Errorf("still stuck: %q", stuck)
	}
	if open, err := letters.Open(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("dead letters: %v, %v", open, err)
	}
}

func TestAPurgedEventIsPassedOver(t *testing.T) {
	t.Parallel()
	w, keys := newWorld(t), bustest.Keys(1)
	w.Publish(t, keys[0], keys[0])
	if err := w.store.Purge(t.Context(), es.StreamID{Account: w.account, Kind: "test.note", ID: keys[0]}, 1); err != nil {
		t.Fatal(err)
	}
	b := newBroken(nil)
	routed(t, w, b.react)
	eventually(t, "the one after it passed", func() bool { _, passed := b.seen(2); return passed == 1 })
	if tries, _ := b.seen(1); tries != 0 {
		t.Error("there was a reaction to what was purged")
	}
}
