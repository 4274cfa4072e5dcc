package eventstoretest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

func follows() map[string]check {
	return map[string]check{
		"positions are dense, from 1, and in commit order":                 densePositions,
		"an append's events stand together in the log":                     eventsTogether,
		"recorded times never decrease with position":                      recordedTimes,
		"a page holds at most the limit, and through is its last position": pageLimit,
		"a filter picks by account":                                        filterAccount,
		"a filter picks by site":                                           filterSite,
		"a filter picks by type and by prefix":                             filterTypes,
		"a filter picks by each part of the envelope":                      filterEnvelope,
		"a filter picks by time, from since to before until":               filterTimes,
		"through passes over what the filter leaves out":                   throughFiltered,
		"reading past the head gives an empty page at the same place":      pastHead,
		"the head is the last position":                                    headIsLast,
		"a wait for what is there already returns at once":                 waitNotNeeded,
		"a wait ends when something is appended":                           waitWakes,
		"a wait ends with its context":                                     waitCancelled,
		"stream after stream, each in its order, up to a position":         byStream,
		"many waiters all wake":                                            manyWaiters,
	}
}

func mustHead(t *testing.T, f Fixture) int64 {
	t.Helper()
	head, err := f.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// whole reads the whole log until it holds n events of the account.
func whole(t *testing.T, f Fixture, account es.ID, n int) []es.Recorded {
	t.Helper()
	logged(t, f, 0, es.Filter{Account: account}, n)
	var events []es.Recorded
	after := int64(0)
	for {
		page, err := f.Log.Read(t.Context(), after, es.Filter{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if page.Through == after {
			return events
		}
		events, after = append(events, page.Events...), page.Through
	}
}

func densePositions(t *testing.T, f Fixture) {
	account := newID()
	for range 5 {
		mustAppend(t, f, AppendOf(streamOf(account), 0, 3))
	}
	for i, e := range whole(t, f, account, 15) {
		if e.Position != int64(i)+1 {
			t.Fatalf("event %d of the log is at position %d", i+1, e.Position)
		}
	}
}

func eventsTogether(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 5))
	events := logged(t, f, 0, es.Filter{Account: s.Account}, 5)
	for i, e := range events {
		if e.Position != events[0].Position+int64(i) || e.Revision != int64(i)+1 {
			t.Errorf("revision %d is at position %d", e.Revision, e.Position)
		}
	}
}

func recordedTimes(t *testing.T, f Fixture) {
	account := newID()
	for range 10 {
		mustAppend(t, f, AppendOf(streamOf(account), 0, 1))
	}
	var last time.Time
	for _, e := range whole(t, f, account, 10) {
		if e.RecordedAt.Before(last) {
			t.Fatalf("position %d was recorded before the one in front of it", e.Position)
		}
		last = e.RecordedAt
		if e.RecordedAt.Location() != time.UTC || !e.RecordedAt.Equal(e.RecordedAt.Truncate(time.Microsecond)) {
			t.Fatalf("recorded at %v, want UTC in microseconds", e.RecordedAt)
		}
	}
}

func pageLimit(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 5))
	first := logged(t, f, 0, es.Filter{Account: s.Account}, 5)[0].Position
	page, err := f.Log.Read(t.Context(), first-1, es.Filter{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	wantRevisions(t, page.Events, 1, 2, 3)
	if page.Through != first+2 {
		t.Errorf("through %d, want %d", page.Through, first+2)
	}
	page, err = f.Log.Read(t.Context(), page.Through, es.Filter{Account: s.Account}, 2)
	if err != nil {
		t.Fatal(err)
	}
	wantRevisions(t, page.Events, 4, 5)
	if page.Through < first+4 {
		t.Errorf("through %d, want at least %d", page.Through, first+4)
	}
}

func filterAccount(t *testing.T, f Fixture) {
	mine, other := newStream(), newStream()
	a, b := AppendOf(mine, 0, 2), AppendOf(mine, 2, 1)
	mustAppend(t, f, a)
	mustAppend(t, f, AppendOf(other, 0, 2))
	mustAppend(t, f, b)
	sameEvents(t, logged(t, f, 0, es.Filter{Account: mine.Account}, 3), a, b)
}

func filterSite(t *testing.T, f Fixture) {
	s := newStream()
	a, b := AppendOf(s, 0, 2), AppendOf(s, 2, 2)
	mustAppend(t, f, a)
	mustAppend(t, f, b)
	sameEvents(t, logged(t, f, 0, es.Filter{Account: s.Account, Site: b.Events[0].Site}, 2), b)
	sameEvents(t, logged(t, f, 0, es.Filter{Site: a.Events[0].Site}, 2), a)
}

func filterTypes(t *testing.T, f Fixture) {
	s := newStream()
	a := AppendOf(s, 0, 4)
	types := []string{"planner.keyword.created.v1", "planner.keyword.changed.v1", "planner.cluster.created.v1", "planner_keyword.created.v1"}
	for i := range a.Events {
		a.Events[i].Type = types[i]
	}
	mustAppend(t, f, a)
	logged(t, f, 0, es.Filter{Account: s.Account}, 4)
	for _, c := range []struct {
		types []string
		want  []int64
	}{
		{[]string{"planner.keyword.created.v1"}, []int64{1}},
		{[]string{"planner.keyword.*"}, []int64{1, 2}},
		{[]string{"planner.cluster.*", "planner.keyword.changed.v1"}, []int64{2, 3}},
		{[]string{"planner.keyword.created"}, []int64{}},
		{[]string{"planner_*"}, []int64{4}},
		{[]string{"planner%"}, []int64{}},
		{[]string{"*"}, []int64{1, 2, 3, 4}},
	} {
		events := logged(t, f, 0, es.Filter{Account: s.Account, Types: c.types}, len(c.want))
		if got := revisions(events); !slices.Equal(got, c.want) {
			t.Errorf("types %v picked %v, want %v", c.types, got, c.want)
		}
		if events = logged(t, f, justBefore(events), es.Filter{Types: c.types, Site: a.Events[0].Site}, len(c.want)); len(events) != len(c.want) {
			t.Errorf("types %v without account picked %v, want %v", c.types, revisions(events), c.want)
		}
	}
}

func filterEnvelope(t *testing.T, f Fixture) {
	s := newStream()
	other := es.StreamID{Account: s.Account, Kind: "planner.cluster", ID: newID()}
	a, b := AppendOf(s, 0, 2), AppendOf(other, 0, 2)
	mustAppend(t, f, a)
	mustAppend(t, f, b)
	first, second := b.Events[0].Envelope, b.Events[1].Envelope
	actor := first.Actor
	actor.Role = es.Admin
	for name, c := range map[string]struct {
		filter es.Filter
		want   []int64
	}{
		"sector":                   {es.Filter{Sector: first.Sector}, []int64{1, 2}},
		"kind":                     {es.Filter{Kind: other.Kind}, []int64{1, 2}},
		"aggregate":                {es.Filter{Kind: other.Kind, Aggregate: other.ID}, []int64{1, 2}},
		"aggregate of another":     {es.Filter{Kind: other.Kind, Aggregate: s.ID}, []int64{}},
		"actor, whatever its role": {es.Filter{Actor: actor}, []int64{1, 2}},
		"kind of actor alone":      {es.Filter{Actor: es.Actor{Kind: actor.Kind}}, []int64{}},
		"correlation":              {es.Filter{Correlation: second.Correlation}, []int64{2}},
		"request":                  {es.Filter{Request: first.Request}, []int64{1, 2}},
		"request and correlation":  {es.Filter{Request: first.Request, Correlation: first.Correlation}, []int64{1}},
	} {
		c.filter.Account = s.Account
		if got := revisions(logged(t, f, 0, c.filter, len(c.want))); !slices.Equal(got, c.want) {
			t.Errorf("%s picked %v, want %v", name, got, c.want)
		}
	}
}

func filterTimes(t *testing.T, f Fixture) {
	s := newStream()
	for n := range int64(3) {
		mustAppend(t, f, AppendOf(s, n, 1))
	}
	events := logged(t, f, 0, es.Filter{Account: s.Account}, 3)
	for _, c := range []struct{ since, until time.Time }{
		{until: events[1].RecordedAt},
		{since: events[1].RecordedAt},
		{since: events[1].RecordedAt, until: events[2].RecordedAt},
		{since: events[1].RecordedAt.Add(time.Microsecond)},
		{until: events[0].RecordedAt},
	} {
		want := []int64{}
		for _, e := range events {
			if !e.RecordedAt.Before(c.since) && (c.until.IsZero() || e.RecordedAt.Before(c.until)) {
				want = append(want, e.Revision)
			}
		}
		got := revisions(logged(t, f, 0, es.Filter{Account: s.Account, Since: c.since, Until: c.until}, len(want)))
		if !slices.Equal(got, want) {
			t.Errorf("from %v to %v: %v, want %v", c.since, c.until, got, want)
		}
	}
}

// justBefore is a position right before the first of the events.
func justBefore(events []es.Recorded) int64 {
	if len(events) == 0 {
		return 0
	}
	return events[0].Position - 1
}

func throughFiltered(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 5))
	last := logged(t, f, 0, es.Filter{Account: s.Account}, 5)[4].Position
	for _, none := range []es.Filter{{Account: newID()}, {Types: []string{"nothing.like.it"}}, {Site: newID()}} {
		after := int64(0)
		for after < last {
			page, err := f.Log.Read(t.Context(), after, none, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Events) != 0 || page.Through <= after {
				t.Fatalf("the filter %+v after %d gave %d events, through %d", none, after, len(page.Events), page.Through)
			}
			after = page.Through
		}
	}
}

func pastHead(t *testing.T, f Fixture) {
	const far = int64(1) << 40
	for _, filter := range []es.Filter{{}, {Account: newID()}, {Types: []string{"x*"}}} {
		page, err := f.Log.Read(t.Context(), far, filter, 10)
		if err != nil || len(page.Events) != 0 || page.Through != far {
			t.Errorf("got %+v, %v", page, err)
		}
	}
}

func headIsLast(t *testing.T, f Fixture) {
	s := newStream()
	before := mustHead(t, f)
	mustAppend(t, f, AppendOf(s, 0, 3))
	events := logged(t, f, 0, es.Filter{Account: s.Account}, 3)
	if head := mustHead(t, f); head < events[2].Position || head < before+3 {
		t.Errorf("the head is %d, before it was %d, the last event is at %d", head, before, events[2].Position)
	}
}

func waitNotNeeded(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 2))
	last := logged(t, f, 0, es.Filter{Account: s.Account}, 2)[1].Position
	if head, err := f.Log.Wait(t.Context(), last-1); err != nil || head < last {
		t.Errorf("got %d, %v", head, err)
	}
}

func waitWakes(t *testing.T, f Fixture) {
	head := mustHead(t, f)
	woken := make(chan error, 1)
	go func() {
		now, err := f.Log.Wait(t.Context(), head)
		if err == nil && now <= head {
			err = errors.New("woke without anything new")
		}
		woken <- err
	}()
	mustAppend(t, f, AppendOf(newStream(), 0, 1))
	within(t, woken)
}

func waitCancelled(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := f.Log.Wait(ctx, 1<<40)
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		ended <- err
	}()
	cancel()
	within(t, ended)
}

func manyWaiters(t *testing.T, f Fixture) {
	head := mustHead(t, f)
	woken := make(chan error, 50)
	for range cap(woken) {
		go func() {
			_, err := f.Log.Wait(t.Context(), head)
			woken <- err
		}()
	}
	mustAppend(t, f, AppendOf(newStream(), 0, 1))
	for range cap(woken) {
		within(t, woken)
	}
}

// within fails unless done answers nil before patience ends.
func within(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("nothing came back")
	}
}

func byStream(t *testing.T, f Fixture) {
	streams, ok := f.Log.(projections.Streams)
	if !ok {
		return // a log need not offer it
	}
	first := newStream()
	second := streamOf(first.Account)
	mustAppend(t, f, AppendOf(second, 0, 2))
	mustAppend(t, f, AppendOf(first, 0, 1))
	mustAppend(t, f, AppendOf(second, 2, 1))
	mine := es.Filter{Account: first.Account}
	through := logged(t, f, 0, mine, 4)[3].Position
	mustAppend(t, f, AppendOf(first, 1, 1))
	var events []es.Recorded
	collect := func(e es.Recorded) error {
		events = append(events, e)
		return nil
	}
	if err := streams.EachByStream(t.Context(), mine, through, collect); err != nil {
		t.Fatal(err)
	}
	if bytes.Compare(first.ID[:], second.ID[:]) < 0 {
		wantRevisions(t, events, 1, 1, 2, 3)
	} else {
		wantRevisions(t, events, 1, 2, 3, 1)
	}
	stop := errors.New("stop")
	if err := streams.EachByStream(t.Context(), es.Filter{}, through, func(es.Recorded) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("ended with %v, want the callback's error", err)
	}
}
