package es

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	// encoding/json as Go 1.27 has it: it reads the same, three times as fast.
	decoding "github.com/go-json-experiment/json/v1"
)

// Kind is a sort of aggregate: its persisted name, its events and its fold. S
// embeds Entity. Kinds are package variables and never change.
type Kind[S any] struct {
	// Name is persisted: "planner.keyword".
	Name string
	// Evolve folds one of the kind's own events into the state. It must take
	// every event that was ever written and must not refuse.
	Evolve func(*S, Event)
	Events EventSet
	// Holds says what a live state claims; nil claims nothing. It must be a
	// function of the state alone.
	Holds func(S) Held
	// Keeps refuses to soft-delete a live state; nil lets every one go.
	Keeps func(S) error
	// Snapshots, when not 0, is the version of the state's JSON form: states of
	// long streams are kept under it and loaded instead of their events. Whoever
	// changes the state or the meaning of Evolve raises it. A state with personal
	// fields cannot have snapshots.
	Snapshots int
}

// AnyKind is a Kind of whatever state.
type AnyKind interface {
	KindName() string
	EventSet() EventSet
	// Zero is the state before any event; Fold gives the state after one more
	// and leaves the one before as it was. A purged event has a nil Event.
	Zero() any
	Fold(state any, env Envelope, event Event) any
	// EntityOf is the life cycle of a state that Zero or Fold returned.
	EntityOf(state any) Entity
	// HeldBy is what the state claims: nothing unless it lives.
	HeldBy(state any) Held
	// KeptBy says why a live state cannot be soft-deleted; nil: it can.
	KeptBy(state any) error
	// TypeName is the stored name of one of its events.
	TypeName(Event) string
	// SnapshotVersion is the version of the state's JSON form, 0 where the kind
	// has no snapshots; ReadState reads that form.
	SnapshotVersion() int
	ReadState(data []byte) (any, error)
}

// KindName is the persisted name.
func (k Kind[S]) KindName() string { return k.Name }

// EventSet is the set of its events.
func (k Kind[S]) EventSet() EventSet { return k.Events }

// Zero is the state before any event.
func (k Kind[S]) Zero() any {
	var s S
	return s
}

// Fold is the state after one more event.
func (k Kind[S]) Fold(state any, env Envelope, event Event) any {
	s, _ := state.(S)
	ent, ok := any(&s).(interface{ entity() *Entity })
	if !ok {
		panic("es: the state of " + k.Name + " does not embed es.Entity")
	}
	ent.entity().evolve(env, event)
	switch event.(type) {
	case nil, Deleted, Restored:
	case Purged:
		return purged[S](*ent.entity())
	default:
		k.Evolve(&s, event)
	}
	return s
}

// purged is a state of which only the life cycle is left, as it is once the
// events are blanked.
func purged[S any](left Entity) S {
	var s S
	if ent, ok := any(&s).(interface{ entity() *Entity }); ok {
		*ent.entity() = left
	}
	return s
}

// EntityOf is the life cycle of a state.
func (k Kind[S]) EntityOf(state any) Entity {
	s, _ := state.(S)
	ent, ok := any(&s).(interface{ entity() *Entity })
	if !ok {
		return Entity{}
	}
	return *ent.entity()
}

// HeldBy is what a state claims while it lives.
func (k Kind[S]) HeldBy(state any) Held {
	ent := k.EntityOf(state)
	if k.Holds == nil || !ent.Live() {
		return Held{}
	}
	s, _ := state.(S)
	return k.Holds(s)
}

// KeptBy says why a live state cannot be soft-deleted, if it cannot.
func (k Kind[S]) KeptBy(state any) error {
	ent := k.EntityOf(state)
	if k.Keeps == nil || !ent.Live() {
		return nil
	}
	s, _ := state.(S)
	return k.Keeps(s)
}

// TypeName is the stored name of an event of this kind.
func (k Kind[S]) TypeName(e Event) string { return typeName(k.Name, e) }

func typeName(kind string, e Event) string {
	switch e.(type) {
	case Deleted, Restored, Purged:
		return kind + "." + e.EventType()
	default:
		return e.EventType()
	}
}

// EventSet is a list of event types, by example.
type EventSet struct {
	examples  []Event
	lifecycle bool
}

// Events lists a kind's own events, each as a zero value.
func Events(examples ...Event) EventSet { return EventSet{examples: examples} }

// WithLifecycle adds soft delete, restore and purge.
func (s EventSet) WithLifecycle() EventSet {
	s.examples = append(s.examples[:len(s.examples):len(s.examples)], Deleted{}, Restored{}, Purged{})
	s.lifecycle = true
	return s
}

// Lifecycle says whether the kind can be soft-deleted.
func (s EventSet) Lifecycle() bool { return s.lifecycle }

// Registry knows every event type by its stored name.
type Registry struct {
	kinds map[string]AnyKind
	types map[string]reflect.Type
	owner map[string]string
}

// NewRegistry registers the kinds. It panics on a name used twice or not in
// the form <module>.<entity>[.<what>.v<n>], and on a kind with snapshots whose
// state does not read back from JSON: that is a mistake in the program.
func NewRegistry(kinds ...AnyKind) *Registry {
	r := &Registry{kinds: map[string]AnyKind{}, types: map[string]reflect.Type{}, owner: map[string]string{}}
	for _, k := range kinds {
		name := k.KindName()
		if _, twice := r.kinds[name]; twice || strings.Count(name, ".") != 1 {
			panic("es: kind name used twice or not <module>.<entity>: " + name)
		}
		if k.SnapshotVersion() != 0 {
			if fault := snapshotFault(k); fault != "" {
				panic("es: " + name + " cannot have snapshots: " + fault)
			}
		}
		r.kinds[name] = k
		for _, e := range k.EventSet().examples {
			t := k.TypeName(e)
			if _, twice := r.types[t]; twice || !strings.HasPrefix(t, name+".") {
				panic("es: event name used twice or not of its kind: " + t)
			}
			r.types[t], r.owner[t] = reflect.TypeOf(e), name
		}
	}
	return r
}

// Kind finds a kind by its persisted name.
func (r *Registry) Kind(name string) (AnyKind, bool) {
	k, ok := r.kinds[name]
	return k, ok
}

// Kinds lists the kinds' names in order.
func (r *Registry) Kinds() []string { return sortedKeys(r.kinds) }

// Types lists the stored names of all events in order.
func (r *Registry) Types() []string { return sortedKeys(r.types) }

// Example is the zero value of an event type.
func (r *Registry) Example(typeName string) (Event, bool) {
	t, ok := r.types[typeName]
	if !ok {
		return nil, false
	}
	e, ok := reflect.Zero(t).Interface().(Event)
	return e, ok
}

// Decode reads an event's data. A purged event is nil without an error; one of
// an unknown type is an error. Personal fields come back sealed.
func (r *Registry) Decode(rec Recorded) (Event, error) {
	if rec.Purged {
		return nil, nil
	}
	t, ok := r.types[rec.Type]
	if !ok {
		return nil, fmt.Errorf("event %s at position %d: no type %q is registered", rec.ID, rec.Position, rec.Type)
	}
	v := reflect.New(t)
	if err := decoding.Unmarshal(rec.Data, v.Interface()); err != nil {
		return nil, fmt.Errorf("event %s (%s) at position %d: %w", rec.ID, rec.Type, rec.Position, err)
	}
	e, _ := v.Elem().Interface().(Event)
	return e, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
