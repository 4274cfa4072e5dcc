package estest

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
)

// Draw makes a command from random choices.
type Draw[S any] func(t *rapid.T) Decider[S]

// CheckLifecycle drives an aggregate through random sequences of create,
// changes, delete, restore and purge, and fails unless
//   - its revision is the number of its events, whatever they are,
//   - it holds claims if and only if it lives,
//   - a restore brings back exactly the state before the deletion,
//   - deciding the same again gives the same events,
//   - folding an event leaves the state before it as it was, and
//   - every event survives its stored form.
//
// Commands may be refused; create must not be, upon nothing.
func CheckLifecycle[S any](t *testing.T, kind es.Kind[S], create Draw[S], changes ...Draw[S]) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine[S]{t: t, kind: kind, now: Now, states: []any{kind.Zero()}}
		m.record(m.decide(create(t)))
		if made := m.entity(); !made.Live() {
			t.Fatal("a create made nothing")
		}
		for range rapid.IntRange(0, 25).Draw(t, "steps") {
			m.step(changes)
		}
		for i := range m.states {
			if again := m.fold(i); !reflect.DeepEqual(again, m.states[i]) {
				t.Fatalf("folding event %d on changed the state before it: %+v, was %+v", i+1, m.states[i], again)
			}
		}
	})
}

type machine[S any] struct {
	t      *rapid.T
	kind   es.Kind[S]
	now    time.Time
	past   []es.Event
	states []any
	// kept is the state when it was deleted.
	kept any
}

func (m *machine[S]) step(changes []Draw[S]) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 10*24).Draw(m.t, "hours")) * time.Hour)
	before := m.entity()
	pick := rapid.IntRange(0, 2+len(changes)).Draw(m.t, "step")
	if pick < len(changes) {
		if before.Live() { // the bus asks nothing of what does not live.
			m.record(m.decide(changes[pick](m.t)))
		}
		return
	}
	switch pick - len(changes) {
	case 0:
		if before.Live() {
			m.kept = m.state()
		}
		m.record(before.Delete(m.env(), ID(len(m.past)), "", false))
		if after := m.entity(); after.Live() {
			m.t.Fatal("it lives after its deletion")
		}
	case 1:
		events, err := before.Restore(m.env(), es.ID{}, false)
		m.record(events)
		if err == nil && len(events) > 0 && !reflect.DeepEqual(ageless(m.state()), ageless(m.kept)) {
			m.t.Fatalf("restored as %+v, was %+v", m.state(), m.kept)
		}
	default:
		events, _ := before.Purge(m.env()) // refused while it may be restored.
		m.record(events)
	}
}

func (m *machine[S]) decide(d Decider[S]) []es.Event {
	s, _ := m.state().(S)
	events, err := d.Decide(m.env(), s)
	again, errAgain := d.Decide(m.env(), s)
	if !reflect.DeepEqual(events, again) || (err == nil) != (errAgain == nil) {
		m.t.Fatalf("decided %s, and then %s", list(events), list(again))
	}
	if err != nil && len(events) > 0 {
		m.t.Fatalf("refused (%v) and decided %s", err, list(events))
	}
	if err != nil && es.ClassOf(err) == es.Internal {
		m.t.Fatalf("a decision failed: %v", err)
	}
	return events
}

func (m *machine[S]) record(events []es.Event) {
	for _, e := range events {
		back := stored(m.kind, e)
		if !reflect.DeepEqual(opened(back), opened(e)) {
			m.t.Fatalf("%s comes back from its stored form as %s", list([]es.Event{e}), list([]es.Event{back}))
		}
		m.past = append(m.past, e)
		before := m.state()
		m.states = append(m.states, m.kind.Fold(before, m.envelope(len(m.past)), back))
		// What could have happened instead must leave what did happen alone.
		for _, instead := range m.past[:len(m.past)-1] {
			m.kind.Fold(before, m.envelope(len(m.past)), stored(m.kind, instead))
		}
	}
	ent := m.entity()
	if ent.Revision != int64(len(m.past)) {
		m.t.Fatalf("revision %d after %d events", ent.Revision, len(m.past))
	}
	held := m.kind.HeldBy(m.state())
	holds := len(held.Unique)+len(held.Counts) > 0
	if want := ent.Live() && m.kind.Holds != nil; holds != want {
		data, _ := json.Marshal(held)
		m.t.Fatalf("live: %v, claims: %s", ent.Live(), data)
	}
}

// fold is the state after the first n events, from the start.
func (m *machine[S]) fold(n int) any {
	state := m.kind.Zero()
	for i, e := range m.past[:n] {
		state = m.kind.Fold(state, m.envelope(i+1), stored(m.kind, e))
	}
	return state
}

func (m *machine[S]) state() any        { return m.states[len(m.states)-1] }
func (m *machine[S]) entity() es.Entity { return m.kind.EntityOf(m.state()) }

func (m *machine[S]) env() es.Env {
	made := 0
	return es.Env{
		Tenant: es.Tenant{Account: Account, Site: Site, Sector: Sector}, Now: m.now, RetentionDays: RetentionDays,
		Actor: es.Actor{Kind: es.UserActor, ID: Command, Role: es.Owner},
		NewID: func() es.ID { made++; return es.Derive(ID(len(m.past)), "new", made) },
	}
}

func (m *machine[S]) envelope(revision int) es.Envelope {
	return es.Envelope{
		Stream: es.StreamID{Account: Account, Kind: m.kind.Name, ID: Target}, Revision: int64(revision),
		Site: Site, Sector: Sector, RecordedAt: Now.Add(time.Duration(revision) * time.Minute),
		Actor: es.Actor{Kind: es.UserActor, ID: Command},
	}
}

// ageless is a copy of a state without its revision.
func ageless(state any) any {
	v := reflect.New(reflect.TypeOf(state)).Elem()
	v.Set(reflect.ValueOf(state))
	v.FieldByName("Entity").FieldByName("Revision").SetZero()
	return v.Interface()
}
