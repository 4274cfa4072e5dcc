package eventstoretest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/igny8/igny8/domain/es"
)

func appends() map[string]check {
	return map[string]check{
		"a stream that does not exist reads as empty":                          emptyStream,
		"what was appended reads back exactly, envelope and bytes":             readsBack,
		"an append answers the revision and position of its last event":        answersLast,
		"a stream reads from any revision":                                     readsFrom,
		"an append at another revision is refused with the actual one":         wrongRevision,
		"streams of one id in two accounts never meet":                         accountsApart,
		"many appends have a result each, in order":                            manyAppends,
		"appends of one call to one stream happen one after another":           manyToOneStream,
		"no appends at all give no results":                                    noAppends,
		"an ill-formed append is refused":                                      illFormed,
		"an append whose caller has left is not written":                       leftBefore,
		"a bulk append is written like any other":                              bulkAppend,
		"data may be any bytes, and large":                                     anyBytes,
		"absent ids and texts read back as absent":                             sparseEnvelope,
		"one ill-formed append of many leaves the others alone":                illFormedAmongMany,
		"a thousand appends in one call are all written":                       thousandAppends,
		"changing what was given to an append does not change what was stored": givenBytesAreCopied,
	}
}

func emptyStream(t *testing.T, f Fixture) {
	if events := mustRead(t, f, newStream()); len(events) != 0 {
		t.Fatalf("got %d events", len(events))
	}
}

func readsBack(t *testing.T, f Fixture) {
	s := newStream()
	first, second := AppendOf(s, 0, 3), AppendOf(s, 3, 2)
	mustAppend(t, f, first)
	mustAppend(t, f, second)
	sameEvents(t, mustRead(t, f, s), first, second)
	sameEvents(t, logged(t, f, 0, es.Filter{Account: s.Account}, 5), first, second)
}

func answersLast(t *testing.T, f Fixture) {
	s := newStream()
	done := mustAppend(t, f, AppendOf(s, 0, 3))
	events := logged(t, f, 0, es.Filter{Account: s.Account}, 3)
	if done.Revision != 3 || done.Repeat || done.RecordedAt.IsZero() {
		t.Errorf("answered %+v", done)
	}
	if !f.LogFollows && (done.Position != events[2].Position || !done.RecordedAt.Equal(events[2].RecordedAt)) {
		t.Errorf("answered %+v, the log has %+v", done, events[2].Envelope)
	}
}

func readsFrom(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 4))
	for from, want := range map[int64][]int64{-1: {1, 2, 3, 4}, 0: {1, 2, 3, 4}, 1: {1, 2, 3, 4}, 3: {3, 4}, 4: {4}, 5: {}, 99: {}} {
		events, err := f.Store.ReadStream(t.Context(), s, from)
		if err != nil {
			t.Fatal(err)
		}
		wantRevisions(t, events, want...)
	}
}

func wrongRevision(t *testing.T, f Fixture) {
	s := newStream()
	_, err := f.Store.Append(t.Context(), AppendOf(s, 1, 1))
	wantRevision(t, err, s, 0)
	mustAppend(t, f, AppendOf(s, 0, 2))
	for _, expected := range []int64{0, 1, 3, 7} {
		_, err = f.Store.Append(t.Context(), AppendOf(s, expected, 1))
		wantRevision(t, err, s, 2)
	}
	wantRevisions(t, mustRead(t, f, s), 1, 2)
}

func accountsApart(t *testing.T, f Fixture) {
	s := newStream()
	other := s
	other.Account = newID()
	mustAppend(t, f, AppendOf(s, 0, 2))
	mine := AppendOf(other, 0, 1)
	mustAppend(t, f, mine)
	sameEvents(t, mustRead(t, f, other), mine)
}

func manyAppends(t *testing.T, f Fixture) {
	good, stale, alsoGood := AppendOf(newStream(), 0, 2), AppendOf(newStream(), 5, 1), AppendOf(newStream(), 0, 1)
	results := f.Store.AppendMany(t.Context(), []es.Append{good, stale, alsoGood})
	if len(results) != 3 {
		t.Fatalf("got %d results", len(results))
	}
	if r := results[0]; r.Err != nil || r.Revision != 2 {
		t.Errorf("the first answered %+v", r)
	}
	wantRevision(t, results[1].Err, stale.Stream, 0)
	if r := results[2]; r.Err != nil || r.Revision != 1 {
		t.Errorf("the third answered %+v", r)
	}
	sameEvents(t, mustRead(t, f, good.Stream), good)
	sameEvents(t, mustRead(t, f, alsoGood.Stream), alsoGood)
}

func manyToOneStream(t *testing.T, f Fixture) {
	s := newStream()
	first, stale, second := AppendOf(s, 0, 2), AppendOf(s, 0, 1), AppendOf(s, 2, 1)
	results := f.Store.AppendMany(t.Context(), []es.Append{first, stale, second})
	if results[0].Err != nil || results[2].Err != nil || results[2].Revision != 3 {
		t.Errorf("answered %+v", results)
	}
	wantRevision(t, results[1].Err, s, 2)
	sameEvents(t, mustRead(t, f, s), first, second)
}

func noAppends(t *testing.T, f Fixture) {
	if results := f.Store.AppendMany(t.Context(), nil); len(results) != 0 {
		t.Fatalf("got %v", results)
	}
}

func illFormedAppends() map[string]es.Append {
	s := newStream()
	spoil := func(change func(*es.Append)) es.Append {
		a := AppendOf(s, 0, 2)
		change(&a)
		return a
	}
	return map[string]es.Append{
		"no events":           {Stream: s},
		"foreign event":       spoil(func(a *es.Append) { a.Events[1].Stream = newStream() }),
		"revision out of row": spoil(func(a *es.Append) { a.Events[1].Revision = 3 }),
		"id twice":            spoil(func(a *es.Append) { a.Events[1].ID = a.Events[0].ID }),
		"no id":               spoil(func(a *es.Append) { a.Events[0].ID = es.ID{} }),
		"no type":             spoil(func(a *es.Append) { a.Events[0].Type = "" }),
		"NUL":                 spoil(func(a *es.Append) { a.Events[0].Request = "a\x00b" }),
		"not UTF-8":           spoil(func(a *es.Append) { a.Events[0].Request = "a\xff" }),
		"claim without scope": spoil(func(a *es.Append) { a.Claims = []es.ClaimChange{take("", "k")} }),
		"key too long":        spoil(func(a *es.Append) { a.Claims = []es.ClaimChange{take("s", string(make([]byte, 2000)))} }),
		"negative revision":   {Stream: s, Expected: -1, Events: AppendOf(s, -1, 1).Events},
	}
}

func illFormed(t *testing.T, f Fixture) {
	for name, a := range illFormedAppends() {
		if _, err := f.Store.Append(t.Context(), a); err == nil {
			t.Errorf("%s: was taken", name)
		}
		if events := mustRead(t, f, a.Stream); len(events) != 0 {
			t.Errorf("%s: wrote %d events", name, len(events))
		}
	}
}

func illFormedAmongMany(t *testing.T, f Fixture) {
	good, bad := AppendOf(newStream(), 0, 1), AppendOf(newStream(), 0, 1)
	bad.Events[0].Type = "a\x00b"
	results := f.Store.AppendMany(t.Context(), []es.Append{bad, good})
	if results[0].Err == nil || results[1].Err != nil {
		t.Fatalf("answered %+v", results)
	}
}

func leftBefore(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := AppendOf(newStream(), 0, 1)
	if _, err := f.Store.Append(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("Append answered %v", err)
	}
	if r := f.Store.AppendMany(ctx, []es.Append{a}); !errors.Is(r[0].Err, context.Canceled) {
		t.Errorf("AppendMany answered %v", r[0].Err)
	}
	if _, err := f.Store.ReadStream(ctx, a.Stream, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadStream answered %v", err)
	}
	if _, err := f.Log.Read(ctx, 0, es.Filter{}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Read answered %v", err)
	}
	if events := mustRead(t, f, a.Stream); len(events) != 0 {
		t.Errorf("%d events were written", len(events))
	}
}

func bulkAppend(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 3)
	a.Bulk = true
	mustAppend(t, f, a)
	sameEvents(t, mustRead(t, f, a.Stream), a)
}

func anyBytes(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 2)
	a.Events[0].Data = []byte("\x00\xff'\\\n\"{}")
	a.Events[1].Data = make([]byte, 1<<20)
	mustAppend(t, f, a)
	sameEvents(t, mustRead(t, f, a.Stream), a)
}

func sparseEnvelope(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 1)
	e := a.Events[0]
	a.Events[0].Envelope = es.Envelope{
		ID: e.ID, Stream: e.Stream, Revision: 1, Type: e.Type, Actor: es.Actor{Kind: es.SystemActor},
		Correlation: e.Correlation, Command: e.Command, DataHash: e.DataHash,
	}
	mustAppend(t, f, a)
	sameEvents(t, mustRead(t, f, a.Stream), a)
}

func thousandAppends(t *testing.T, f Fixture) {
	account, scope := newID(), newScope()
	appends := make([]es.Append, 1000)
	for i := range appends {
		s := streamOf(account)
		appends[i] = AppendOf(s, 0, 1, take(scope, s.ID.String()), count(scope, 1, 1000))
		appends[i].Bulk = true
	}
	for i, r := range f.Store.AppendMany(t.Context(), appends) {
		if r.Err != nil {
			t.Fatalf("append %d: %v", i, r.Err)
		}
	}
	if events := logged(t, f, 0, es.Filter{Account: account}, len(appends)); len(events) != len(appends) {
		t.Fatalf("the log has %d events of them", len(events))
	}
}

func givenBytesAreCopied(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 1)
	want := a
	want.Events = slices.Clone(a.Events)
	want.Events[0].Data = bytes.Clone(a.Events[0].Data)
	mustAppend(t, f, a)
	a.Events[0].Data[0] = 'X'
	sameEvents(t, mustRead(t, f, a.Stream), want)
}
