package eventstoretest

import (
	"bytes"
	"testing"

	"github.com/igny8/igny8/domain/es"
)

func purges() map[string]check {
	return map[string]check{
		"a purge blanks data and salt, and envelopes stay": purgeBlanks,
		"events after the purged revision keep their data": purgeThrough,
		"a purge leaves other streams alone":               purgeOthers,
		"a purge may be done again, and of nothing":        purgeAgain,
		"a purged stream goes on at its revision":          purgeGoesOn,
		"a repeat of purged events answers the original":   purgeRepeat,
	}
}

func mustPurge(t *testing.T, f Fixture, s es.StreamID, through int64) {
	t.Helper()
	if err := f.Store.Purge(t.Context(), s, through); err != nil {
		t.Fatal(err)
	}
}

// wantPurged fails unless exactly the events through a revision are blank and
// every envelope is as it was.
func wantPurged(t *testing.T, before, after []es.Recorded, through int64) {
	t.Helper()
	if len(before) != len(after) {
		t.Fatalf("%d events are left of %d", len(after), len(before))
	}
	for i, e := range after {
		if e.Envelope != before[i].Envelope {
			t.Errorf("revision %d: the envelope changed", e.Revision)
		}
		blank := e.Revision <= through
		switch {
		case e.Purged != blank:
			t.Errorf("revision %d: purged is %v", e.Revision, e.Purged)
		case blank && (e.Data != nil || e.Salt != nil):
			t.Errorf("revision %d: data or salt is left", e.Revision)
		case !blank && (!bytes.Equal(e.Data, before[i].Data) || !bytes.Equal(e.Salt, before[i].Salt)):
			t.Errorf("revision %d: lost its data", e.Revision)
		}
	}
}

func purgeBlanks(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 3))
	inLog := logged(t, f, 0, es.Filter{Account: s.Account}, 3)
	inStream := mustRead(t, f, s)
	mustPurge(t, f, s, 3)
	wantPurged(t, inStream, mustRead(t, f, s), 3)
	wantPurged(t, inLog, logged(t, f, 0, es.Filter{Account: s.Account}, 3), 3)
}

func purgeThrough(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 4))
	logged(t, f, 0, es.Filter{Account: s.Account}, 4)
	before := mustRead(t, f, s)
	mustPurge(t, f, s, 3)
	wantPurged(t, before, mustRead(t, f, s), 3)
}

func purgeOthers(t *testing.T, f Fixture) {
	s := newStream()
	sibling, foreign := streamOf(s.Account), s
	foreign.Account = newID()
	a, b := AppendOf(sibling, 0, 1), AppendOf(foreign, 0, 1)
	mustAppend(t, f, AppendOf(s, 0, 1))
	mustAppend(t, f, a)
	mustAppend(t, f, b)
	mustPurge(t, f, s, 1)
	sameEvents(t, mustRead(t, f, sibling), a)
	sameEvents(t, mustRead(t, f, foreign), b)
}

func purgeAgain(t *testing.T, f Fixture) {
	s := newStream()
	mustPurge(t, f, s, 5)
	mustAppend(t, f, AppendOf(s, 0, 2))
	logged(t, f, 0, es.Filter{Account: s.Account}, 2)
	before := mustRead(t, f, s)
	mustPurge(t, f, s, 1)
	mustPurge(t, f, s, 1)
	mustPurge(t, f, s, 0)
	wantPurged(t, before, mustRead(t, f, s), 1)
}

func purgeGoesOn(t *testing.T, f Fixture) {
	s := newStream()
	mustAppend(t, f, AppendOf(s, 0, 2))
	logged(t, f, 0, es.Filter{Account: s.Account}, 2)
	mustPurge(t, f, s, 2)
	_, err := f.Store.Append(t.Context(), AppendOf(s, 0, 1))
	wantRevision(t, err, s, 2)
	mustAppend(t, f, AppendOf(s, 2, 1))
	wantRevisions(t, mustRead(t, f, s), 1, 2, 3)
}

func purgeRepeat(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 2)
	first := mustAppend(t, f, a)
	logged(t, f, 0, es.Filter{Account: a.Stream.Account}, 2)
	mustPurge(t, f, a.Stream, 2)
	wantRepeatOf(t, f, mustAppend(t, f, a), first)
	for _, e := range mustRead(t, f, a.Stream) {
		if !e.Purged {
			t.Errorf("the repeat brought revision %d back", e.Revision)
		}
	}
}
