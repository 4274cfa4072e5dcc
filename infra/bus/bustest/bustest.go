// Package bustest says what every bus must do for consumer groups: order for
// each aggregate through refusals, rebalances and deaths, at least once, groups
// that do not meet, partitions side by side, and bounded times to take over. An
// adapter's tests run Run with a Factory of theirs.
package bustest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
)

// Topic and Types are what the suite's groups subscribe to.
const (
	EventType = "test.note.added.v1"
	Topic     = "igny8.events.test"
)

// Bus is one under test, with a log of its own.
type Bus interface {
	// Publish makes an event of EventType for each key, in that order; a key is
	// an aggregate's id, and its events' revisions count from 1.
	Publish(t testing.TB, keys ...es.ID)
	// Join adds a member to a group, as a process of its own would be.
	Join(t testing.TB, group string) Member
	// Rewind has the group handle everything after a position again.
	Rewind(t testing.TB, group string, position int64)
}

// Member is a process's part in a group.
type Member interface {
	message.Subscriber
	// Leave ends the membership: what is in flight is waited for.
	Leave()
	// Die ends it as kill -9 does: nothing is given back, and nothing that the
	// member does after it may count.
	Die()
}

// Factory makes a bus with no event and no group.
type Factory struct {
	New func(t testing.TB) Bus
	// TakeOver bounds how long a dead member's partitions lie still.
	TakeOver time.Duration
}

// patience bounds every wait of the suite.
const patience = 30 * time.Second

// Run runs the suite.
func Run(t *testing.T, f Factory) {
	t.Helper()
	// One after another: each has members with connections of their own.
	for name, test := range map[string]func(*testing.T, Factory){
		"each event comes to each group, in order of its aggregate": eachGroupGetsEverything,
		"a message carries the event":                               messageCarriesTheEvent,
		"what is refused comes again before what follows it":        refusedComesAgain,
		"an aggregate that waits holds up no other partition":       partitionsRunSideBySide,
		"a group that waits holds up no other group":                groupsDoNotMeet,
		"a new group begins at the oldest event":                    newGroupsBeginAtTheOldest,
		"who leaves and comes back goes on where it stopped":        goesOnWhereItStopped,
		"order holds while members come and go":                     orderHoldsWhileMembersComeAndGo,
		"a dead member's work is taken over":                        deadMembersAreReplaced,
		"a group can be rewound":                                    groupsCanBeRewound,
	} {
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

// Keys makes n aggregates.
func Keys(n int) []es.ID {
	keys := make([]es.ID, n)
	for i := range keys {
		keys[i] = uuid.New()
	}
	return keys
}

// rounds is each key so many times, one round after another.
func rounds(keys []es.ID, n int) []es.ID {
	var all []es.ID
	for range n {
		all = append(all, keys...)
	}
	return all
}

// record is what a group's members handled, and whether in order.
type record struct {
	t testing.TB

	mu      sync.Mutex
	acked   map[es.ID]int64 // the last revision of each key that was acknowledged
	working map[es.ID]int
	by      map[string]int // messages acknowledged, by member
	repeats int
	total   int
	wrong   []string
	moved   chan struct{}
}

func newRecord(t testing.TB) *record {
	r := &record{t: t, acked: map[es.ID]int64{}, working: map[es.ID]int{}, by: map[string]int{}, moved: make(chan struct{})}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, w := range r.wrong {
			if i == 5 {
				break
			}
			t.Error(w)
		}
	})
	return r
}

// begin takes in that a message is being handled: everything before it must
// have been acknowledged, and nothing of its aggregate be at work.
func (r *record) begin(rec es.Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := rec.Stream.ID
	if rec.Revision > r.acked[key]+1 {
		r.wrong = append(r.wrong, fmt.Sprintf("%s: revision %d comes when only %d is acknowledged", key, rec.Revision, r.acked[key]))
	}
	if r.working[key]++; r.working[key] > 1 {
		r.wrong = append(r.wrong, fmt.Sprintf("%s: %d of its events are handled at once", key, r.working[key]))
	}
}

func (r *record) end(rec es.Recorded, member string, acknowledged bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := rec.Stream.ID
	r.working[key]--
	if !acknowledged {
		return
	}
	r.total++
	r.by[member]++
	if rec.Revision <= r.acked[key] {
		r.repeats++
	}
	r.acked[key] = max(r.acked[key], rec.Revision)
	close(r.moved)
	r.moved = make(chan struct{})
}

// until waits for a condition on what was acknowledged.
func (r *record) until(what string, holds func() bool) {
	r.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		r.mu.Lock()
		met, moved := holds(), r.moved
		r.mu.Unlock()
		if met {
			return
		}
		select {
		case <-moved:
		case <-timer.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("waited too long until %s; acknowledged so far: %v, by %v", what, r.acked, r.by)
		}
	}
}

// all says that each key's revision is acknowledged.
func (r *record) all(keys []es.ID, revision int64) func() bool {
	return func() bool {
		for _, k := range keys {
			if r.acked[k] < revision {
				return false
			}
		}
		return true
	}
}

// consume handles a member's messages as a router does: each in a goroutine of
// its own. handle says whether to acknowledge.
func (r *record) consume(ctx context.Context, name string, m Member, handle func(es.Recorded) bool) {
	r.t.Helper()
	messages, err := m.Subscribe(ctx, Topic)
	if err != nil {
		r.t.Fatal(err)
	}
	go func() {
		for msg := range messages {
			go func() {
				rec, err := bus.Recorded(msg)
				if err != nil {
					r.t.Error(err)
					return
				}
				r.begin(rec)
				acknowledge := handle(rec) && msg.Context().Err() == nil
				r.end(rec, name, acknowledge)
				if acknowledge {
					msg.Ack()
				} else {
					msg.Nack()
				}
			}()
		}
	}()
}

func accept(es.Recorded) bool { return true }

func eachGroupGetsEverything(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(7)
	b.Publish(t, rounds(keys, 5)...)
	for _, group := range []string{"one", "other"} {
		m, r := b.Join(t, group), newRecord(t)
		defer m.Leave()
		r.consume(t.Context(), "m", m, accept)
		r.until("everything came", r.all(keys, 5))
		b.Publish(t, keys...)
		r.until("what was published later came", r.all(keys, 6))
		b = again{b, keys}
	}
}

// again publishes nothing: the second group of a test finds all there is.
type again struct {
	Bus
	keys []es.ID
}

func (again) Publish(testing.TB, ...es.ID) {}

func messageCarriesTheEvent(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(1)
	b.Publish(t, keys...)
	m := b.Join(t, "g")
	defer m.Leave()
	messages, err := m.Subscribe(t.Context(), Topic)
	if err != nil {
		t.Fatal(err)
	}
	msg := <-messages
	rec, err := bus.Recorded(msg)
	if err != nil {
		t.Fatal(err)
	}
	msg.Ack()
	if rec.Type != EventType || rec.Stream.ID != keys[0] || rec.Revision != 1 || rec.Position != 1 || rec.RecordedAt.IsZero() ||
		!json.Valid(rec.Data) || rec.DataHash != es.HashData(rec.Salt, rec.Data) || msg.UUID != rec.ID.String() {
		t.Errorf("%+v", rec)
	}
}

func refusedComesAgain(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(3)
	b.Publish(t, rounds(keys, 4)...)
	m, r := b.Join(t, "g"), newRecord(t)
	defer m.Leave()
	var mu sync.Mutex
	refused := map[es.ID]int{}
	r.consume(t.Context(), "m", m, func(rec es.Recorded) bool {
		mu.Lock()
		defer mu.Unlock()
		if rec.Revision == 2 && refused[rec.Stream.ID] < 3 {
			refused[rec.Stream.ID]++
			return false
		}
		return true
	})
	r.until("everything came", r.all(keys, 4))
	mu.Lock()
	defer mu.Unlock()
	if len(refused) != 3 {
		t.Errorf("refused %v", refused)
	}
}

func partitionsRunSideBySide(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(40)
	b.Publish(t, rounds(keys, 3)...)
	m, r := b.Join(t, "g"), newRecord(t)
	defer m.Leave()
	release := make(chan struct{})
	r.consume(t.Context(), "m", m, func(rec es.Recorded) bool {
		if rec.Stream.ID == keys[0] {
			<-release
		}
		return true
	})
	r.until("half of the other aggregates are done", func() bool {
		done := 0
		for _, k := range keys[1:] {
			if r.acked[k] == 3 {
				done++
			}
		}
		return done >= len(keys)/2
	})
	close(release)
	r.until("all are done", r.all(keys, 3))
}

func groupsDoNotMeet(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(5)
	b.Publish(t, rounds(keys, 3)...)
	blocked, free := b.Join(t, "blocked"), b.Join(t, "free")
	defer free.Leave()
	release := make(chan struct{})
	br, fr := newRecord(t), newRecord(t)
	br.consume(t.Context(), "m", blocked, func(es.Recorded) bool { <-release; return true })
	fr.consume(t.Context(), "m", free, accept)
	fr.until("the other group is through", fr.all(keys, 3))
	close(release)
	br.until("the blocked one is through too", br.all(keys, 3))
	blocked.Leave()
}

func newGroupsBeginAtTheOldest(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(3)
	b.Publish(t, rounds(keys, 2)...)
	first := b.Join(t, "first")
	r := newRecord(t)
	r.consume(t.Context(), "m", first, accept)
	r.until("the first group is through", r.all(keys, 2))
	first.Leave()
	later := b.Join(t, "later")
	defer later.Leave()
	r = newRecord(t)
	r.consume(t.Context(), "m", later, accept)
	r.until("the later group is through", r.all(keys, 2))
}

func goesOnWhereItStopped(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(4)
	r := newRecord(t)
	for round := int64(1); round <= 3; round++ {
		b.Publish(t, keys...)
		m := b.Join(t, "g")
		r.consume(t.Context(), fmt.Sprint(round), m, accept)
		r.until("the round came", r.all(keys, round))
		m.Leave()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.repeats > 0 {
		t.Errorf("%d messages came again though everybody left in peace", r.repeats)
	}
}

func orderHoldsWhileMembersComeAndGo(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(50)
	r := newRecord(t)
	join := func(name string) Member {
		m := b.Join(t, "g")
		r.consume(t.Context(), name, m, func(es.Recorded) bool { time.Sleep(200 * time.Microsecond); return true })
		return m
	}
	publish := func() { b.Publish(t, rounds(keys, 10)...) }
	share := func(name string) func() bool {
		return func() bool { return r.by[name] > 0 }
	}
	a := join("a")
	publish()
	r.until("a works", share("a"))
	c := join("b")
	publish()
	for i := 0; ; i++ {
		r.mu.Lock()
		met := r.by["b"] > 0
		r.mu.Unlock()
		if met {
			break
		}
		publish()
		time.Sleep(20 * time.Millisecond)
	}
	a.Leave()
	publish()
	last := r.published(b, keys)
	r.until("everything came", r.all(keys, last))
	c.Leave()
}

// published is one more round, so that its revision is the last.
func (r *record) published(b Bus, keys []es.ID) int64 {
	b.Publish(r.t, keys...)
	if c, ok := b.(interface{ Revision(es.ID) int64 }); ok {
		return c.Revision(keys[0])
	}
	return 1
}

func deadMembersAreReplaced(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(40)
	r := newRecord(t)
	dies, stays := b.Join(t, "g"), b.Join(t, "g")
	defer stays.Leave()
	var mu sync.Mutex
	dead := false
	r.consume(t.Context(), "dies", dies, func(es.Recorded) bool {
		mu.Lock()
		defer mu.Unlock()
		return !dead
	})
	r.consume(t.Context(), "stays", stays, accept)
	rounds := int64(0)
	for {
		b.Publish(t, keys...)
		rounds++
		r.until("the round came", r.all(keys, rounds))
		r.mu.Lock()
		both := r.by["dies"] > 0 && r.by["stays"] > 0
		r.mu.Unlock()
		if both {
			break
		}
	}
	mu.Lock()
	dead = true
	mu.Unlock()
	b.Publish(t, keys...)
	from := time.Now()
	dies.Die()
	r.until("the living one did everything", r.all(keys, rounds+1))
	if took := time.Since(from); took > f.TakeOver {
		t.Errorf("it took %s to take over, more than %s", took, f.TakeOver)
	} else {
		t.Logf("taken over after %s", took)
	}
}

func groupsCanBeRewound(t *testing.T, f Factory) {
	b, keys := f.New(t), Keys(4)
	b.Publish(t, rounds(keys, 3)...)
	m, r := b.Join(t, "g"), newRecord(t)
	defer m.Leave()
	r.consume(t.Context(), "m", m, accept)
	r.until("everything came", r.all(keys, 3))
	b.Rewind(t, "g", int64(len(keys)))
	r.until("all but the first round came again", func() bool { return r.repeats >= 2*len(keys) })
	b.Publish(t, keys...)
	r.until("it goes on", r.all(keys, 4))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.repeats != 2*len(keys) {
		t.Errorf("%d events came again, want %d", r.repeats, 2*len(keys))
	}
}
