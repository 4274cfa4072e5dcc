package eventstoretest

import (
	"errors"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

func repeats() map[string]check {
	return map[string]check{
		"a repeat answers the original result":                              repeated,
		"a repeat after others wrote still answers the original":            repeatedLater,
		"a repeat does not take its claims again":                           repeatedClaims,
		"an append of which only some ids are stored is a conflict":         partlyStored,
		"stored ids in another order are a conflict":                        reordered,
		"ids of another stream are refused, and others of the call are not": foreignIDs,
		"the same append twice in one call is written once":                 twiceInOneCall,
	}
}

func repeated(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 3)
	first := mustAppend(t, f, a)
	again := mustAppend(t, f, a)
	wantRepeatOf(t, f, again, first)
	sameEvents(t, mustRead(t, f, a.Stream), a)
}

func repeatedLater(t *testing.T, f Fixture) {
	s := newStream()
	a := AppendOf(s, 0, 2)
	first := mustAppend(t, f, a)
	mustAppend(t, f, AppendOf(s, 2, 2))
	wantRepeatOf(t, f, mustAppend(t, f, a), first)
	wantRevisions(t, mustRead(t, f, s), 1, 2, 3, 4)
}

func repeatedClaims(t *testing.T, f Fixture) {
	scope, counted := newScope(), newScope()
	a := AppendOf(newStream(), 0, 1, take(scope, "k"), count(counted, 1, 2))
	first := mustAppend(t, f, a)
	mustAppend(t, f, AppendOf(a.Stream, 1, 1, release(scope, "k")))
	mustAppend(t, f, AppendOf(newStream(), 0, 1, take(scope, "k"), count(counted, 1, 2)))
	wantRepeatOf(t, f, mustAppend(t, f, a), first)
}

func partlyStored(t *testing.T, f Fixture) {
	s := newStream()
	a := AppendOf(s, 0, 1)
	mustAppend(t, f, a)
	for _, expected := range []int64{0, 1} {
		more := AppendOf(s, expected, 2)
		more.Events[0].ID = a.Events[0].ID
		_, err := f.Store.Append(t.Context(), more)
		wantRevision(t, err, s, 1)
	}
	sameEvents(t, mustRead(t, f, s), a)
}

func reordered(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 2)
	mustAppend(t, f, a)
	swapped := AppendOf(a.Stream, 0, 2)
	swapped.Events[0].ID, swapped.Events[1].ID = a.Events[1].ID, a.Events[0].ID
	_, err := f.Store.Append(t.Context(), swapped)
	wantRevision(t, err, a.Stream, 2)
}

func foreignIDs(t *testing.T, f Fixture) {
	stored := AppendOf(newStream(), 0, 1)
	mustAppend(t, f, stored)
	thief, good := AppendOf(newStream(), 0, 2), AppendOf(newStream(), 0, 1)
	thief.Events[1].ID = stored.Events[0].ID
	results := f.Store.AppendMany(t.Context(), []es.Append{thief, good})
	if err := results[0].Err; !errors.Is(err, eventstore.ErrEventIDTaken) || es.ClassOf(err) != es.Conflict {
		t.Errorf("the ids of another stream: %v", err)
	}
	if results[1].Err != nil {
		t.Errorf("the innocent one: %v", results[1].Err)
	}
	if events := mustRead(t, f, thief.Stream); len(events) != 0 {
		t.Errorf("the refused append wrote %d events", len(events))
	}
}

func twiceInOneCall(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 2)
	results := f.Store.AppendMany(t.Context(), []es.Append{a, a})
	if results[0].Err != nil || results[0].Repeat {
		t.Fatalf("first: %+v", results[0])
	}
	if results[1].Err != nil {
		t.Fatalf("second: %v", results[1].Err)
	}
	wantRepeatOf(t, f, results[1].Appended, results[0].Appended)
}

func wantRepeatOf(t *testing.T, f Fixture, again, first es.Appended) {
	t.Helper()
	if f.LogFollows {
		again.Position, first.Position = 0, 0
	}
	if !again.Repeat || again.Position != first.Position || again.Revision != first.Revision || !again.RecordedAt.Equal(first.RecordedAt) {
		t.Errorf("the repeat answered %+v, the original %+v", again, first)
	}
}
