package eventstoretest

import (
	"testing"

	"github.com/igny8/igny8/domain/es"
)

func claims() map[string]check {
	return map[string]check{
		"a taken claim is refused to another stream, with its index":        takenClaim,
		"a refused append writes no events and takes no other claims":       refusedWhole,
		"a released claim can be taken by another stream":                   releasedClaim,
		"a stream may take what it holds already":                           ownClaim,
		"a release of what another stream holds changes nothing":            foreignRelease,
		"a release of what nobody holds is fine":                            idleRelease,
		"one append may release and take the same claim":                    releaseAndTake,
		"claims of one key in two scopes are two claims":                    scopesApart,
		"the key of a claim may be any bytes":                               anyKey,
		"a claim moves from one stream to another in one call":              movedInOneCall,
		"a count is refused past its limit, with what is used":              countLimit,
		"a negative count is always fine and makes room":                    negativeCount,
		"a count that is at its limit takes no more, and one below it does": countAtLimit,
		"counts of one call are summed in order; only those past it fail":   countsInOrder,
		"counts of one append add up":                                       countsAddUp,
		"a refused append leaves no count behind":                           refusedCount,
		"unique claims are looked at before counts":                         uniqueFirst,
		"a stale append takes no claims":                                    staleTakesNone,
	}
}

func wantHolder(t *testing.T, f Fixture, scope, key string, want es.StreamID) {
	t.Helper()
	holder, ok, err := f.Holder(t.Context(), scope, []byte(key))
	if err != nil || ok != (want != es.StreamID{}) || holder != want {
		t.Fatalf("%s %q is held by %v, %v, %v; want %v", scope, key, holder, ok, err, want)
	}
}

func takenClaim(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, "k")))
	wantHolder(t, f, scope, "k", s)
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, take(scope, "free"), take(scope, "k")))
	wantRefused(t, err, es.ClaimRefusedError{Index: 1})
}

func refusedWhole(t *testing.T, f Fixture) {
	scope, mine, loser := newScope(), newStream(), newStream()
	mustAppend(t, f, AppendOf(mine, 0, 1, take(scope, "k")))
	mustAppend(t, f, AppendOf(loser, 0, 1, take(scope, "old")))
	_, err := f.Store.Append(t.Context(), AppendOf(loser, 1, 1, release(scope, "old"), take(scope, "free"), take(scope, "k")))
	wantRefused(t, err, es.ClaimRefusedError{Index: 2})
	wantHolder(t, f, scope, "free", es.StreamID{})
	wantHolder(t, f, scope, "old", loser)
	wantHolder(t, f, scope, "k", mine)
	wantRevisions(t, mustRead(t, f, loser), 1)
}

func releasedClaim(t *testing.T, f Fixture) {
	scope, first, second := newScope(), newStream(), newStream()
	mustAppend(t, f, AppendOf(first, 0, 1, take(scope, "k")))
	mustAppend(t, f, AppendOf(first, 1, 1, release(scope, "k")))
	wantHolder(t, f, scope, "k", es.StreamID{})
	mustAppend(t, f, AppendOf(second, 0, 1, take(scope, "k")))
	wantHolder(t, f, scope, "k", second)
	_, err := f.Store.Append(t.Context(), AppendOf(first, 2, 1, take(scope, "k")))
	wantRefused(t, err, es.ClaimRefusedError{})
}

func ownClaim(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, "k")))
	mustAppend(t, f, AppendOf(s, 1, 1, take(scope, "k")))
	wantHolder(t, f, scope, "k", s)
}

func foreignRelease(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, "k")))
	mustAppend(t, f, AppendOf(newStream(), 0, 1, release(scope, "k")))
	wantHolder(t, f, scope, "k", s)
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, release(scope, "k"), take(scope, "k")))
	wantRefused(t, err, es.ClaimRefusedError{Index: 1})
}

func idleRelease(t *testing.T, f Fixture) {
	mustAppend(t, f, AppendOf(newStream(), 0, 1, release(newScope(), "k")))
}

func releaseAndTake(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, "k")))
	mustAppend(t, f, AppendOf(s, 1, 1, take(scope, "k"), release(scope, "k")))
	wantHolder(t, f, scope, "k", s)
}

func scopesApart(t *testing.T, f Fixture) {
	one, other := newScope(), newScope()
	first, second := newStream(), newStream()
	mustAppend(t, f, AppendOf(first, 0, 1, take(one, "k")))
	mustAppend(t, f, AppendOf(second, 0, 1, take(other, "k")))
	wantHolder(t, f, one, "k", first)
	wantHolder(t, f, other, "k", second)
}

func anyKey(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	key := "\x00\xff " + string(make([]byte, 600))
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, key), take(scope, "")))
	wantHolder(t, f, scope, key, s)
	wantHolder(t, f, scope, "", s)
}

func movedInOneCall(t *testing.T, f Fixture) {
	scope, from, to := newScope(), newStream(), newStream()
	mustAppend(t, f, AppendOf(from, 0, 1, take(scope, "k")))
	for _, r := range f.Store.AppendMany(t.Context(), []es.Append{
		AppendOf(from, 1, 1, release(scope, "k")), AppendOf(to, 0, 1, take(scope, "k")),
	}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	wantHolder(t, f, scope, "k", to)
}

func countLimit(t *testing.T, f Fixture) {
	scope := newScope()
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 3, 5)))
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, take(newScope(), "k"), count(scope, 3, 5)))
	wantRefused(t, err, es.ClaimRefusedError{Index: 1, Used: 3, Limit: 5})
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 2, 5)))
}

func negativeCount(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, count(scope, 5, 5)))
	mustAppend(t, f, AppendOf(s, 1, 1, count(scope, -1, 2)))
	_, err := f.Store.Append(t.Context(), AppendOf(s, 2, 1, count(scope, 1, 2)))
	wantRefused(t, err, es.ClaimRefusedError{Used: 4, Limit: 2})
	mustAppend(t, f, AppendOf(s, 2, 1, count(scope, -3, 2)))
	mustAppend(t, f, AppendOf(s, 3, 1, count(scope, 1, 2)))
}

func countAtLimit(t *testing.T, f Fixture) {
	scope := newScope()
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 1, 0)))
	wantRefused(t, err, es.ClaimRefusedError{})
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 1, 1)))
	_, err = f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 1, 1)))
	wantRefused(t, err, es.ClaimRefusedError{Used: 1, Limit: 1})
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 0, 0)))
}

func countsInOrder(t *testing.T, f Fixture) {
	scope := newScope()
	var appends []es.Append
	for _, delta := range []int64{4, 4, 4, 2, -3, 3, 1} {
		appends = append(appends, AppendOf(newStream(), 0, 1, count(scope, delta, 10)))
	}
	results := f.Store.AppendMany(t.Context(), appends)
	for i, refused := range []bool{false, false, true, false, false, false, true} {
		if !refused && results[i].Err != nil {
			t.Errorf("count %d: %v", i, results[i].Err)
		}
	}
	wantRefused(t, results[2].Err, es.ClaimRefusedError{Used: 8, Limit: 10})
	wantRefused(t, results[6].Err, es.ClaimRefusedError{Used: 10, Limit: 10})
}

func countsAddUp(t *testing.T, f Fixture) {
	scope, other := newScope(), newScope()
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 2, 3), count(other, 1, 3), count(scope, 2, 3)))
	wantRefused(t, err, es.ClaimRefusedError{Index: 2, Used: 2, Limit: 3})
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 2, 3), count(scope, -1, 3), count(scope, 2, 3)))
	_, err = f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 1, 3)))
	wantRefused(t, err, es.ClaimRefusedError{Used: 3, Limit: 3})
}

func refusedCount(t *testing.T, f Fixture) {
	full, free := newScope(), newScope()
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(full, 1, 1)))
	refused := AppendOf(newStream(), 0, 1, count(free, 1, 1), count(full, 1, 1))
	results := f.Store.AppendMany(t.Context(), []es.Append{refused, AppendOf(newStream(), 0, 1, count(free, 1, 1))})
	wantRefused(t, results[0].Err, es.ClaimRefusedError{Index: 1, Used: 1, Limit: 1})
	if results[1].Err != nil {
		t.Error(results[1].Err)
	}
}

func uniqueFirst(t *testing.T, f Fixture) {
	scope := newScope()
	mustAppend(t, f, AppendOf(newStream(), 0, 1, take(scope, "k"), count(scope, 1, 1)))
	_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 1, 1), take(scope, "k")))
	wantRefused(t, err, es.ClaimRefusedError{Index: 1})
}

func staleTakesNone(t *testing.T, f Fixture) {
	scope, s := newScope(), newStream()
	mustAppend(t, f, AppendOf(s, 0, 1, take(scope, "mine")))
	_, err := f.Store.Append(t.Context(), AppendOf(s, 0, 1, take(scope, "k"), release(scope, "mine"), count(scope, 1, 1)))
	wantRevision(t, err, s, 1)
	wantHolder(t, f, scope, "k", es.StreamID{})
	wantHolder(t, f, scope, "mine", s)
	mustAppend(t, f, AppendOf(newStream(), 0, 1, count(scope, 1, 1)))
}
