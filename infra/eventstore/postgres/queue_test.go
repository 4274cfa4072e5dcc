package postgres

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
)

// named is a request whose stream says its name.
func named(name byte, claims ...es.ClaimChange) *request {
	stream := es.StreamID{Kind: "k", ID: es.ID{name}}
	return &request{call: newCall(1), append: es.Append{
		Stream: stream, Events: []es.NewEvent{{Envelope: es.Envelope{ID: uuid.New(), Stream: stream}}}, Claims: claims,
	}}
}

func names(batch []*request) string {
	var s []byte
	for _, r := range batch {
		s = append(s, r.append.Stream.ID[0])
	}
	return string(s)
}

func wantBatches(t *testing.T, q *queue, want ...string) {
	t.Helper()
	for i, w := range want {
		if got := names(q.take(nil)); got != w {
			t.Errorf("batch %d is %q, want %q", i+1, got, w)
		}
	}
}

func fill(t *testing.T, requests ...*request) *queue {
	t.Helper()
	q := newQueue()
	if err := q.put(requests); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestABatchHoldsOneAppendPerStreamAndOthersWait(t *testing.T) {
	t.Parallel()
	wantBatches(t, fill(t, named('a'), named('b'), named('a'), named('c'), named('a')), "abc", "a", "a", "")
}

func TestABatchHoldsAUniqueClaimOnceAndACounterOften(t *testing.T) {
	t.Parallel()
	unique := es.ClaimChange{Op: es.TakeClaim, Scope: "s", Key: []byte("k")}
	count := es.ClaimChange{Op: es.CountClaim, Scope: "s", Delta: 1, Limit: 9}
	wantBatches(t, fill(t, named('a', unique), named('b', unique), named('c', count), named('d', count)), "acd", "b", "")
}

func TestABatchHoldsAnEventIDOnce(t *testing.T) {
	t.Parallel()
	a, b := named('a'), named('b')
	b.append.Events[0].ID = a.append.Events[0].ID
	wantBatches(t, fill(t, a, b), "a", "b", "")
}

func TestNothingOvertakesWhatWaitsForTheSameKey(t *testing.T) {
	t.Parallel()
	unique := es.ClaimChange{Op: es.TakeClaim, Scope: "s", Key: []byte("k")}
	count := es.ClaimChange{Op: es.CountClaim, Scope: "n", Delta: 1, Limit: 9}
	second := named('a', unique, count)
	wantBatches(t, fill(t, named('a'), second, named('b', unique), named('c', count), named('d')), "ad", "ac", "b", "")
}

func TestWhoLeftIsNotSent(t *testing.T) {
	t.Parallel()
	gone := named('b')
	q := fill(t, named('a'), gone, named('c'))
	if r := gone.leave(errClosed); r.Err == nil || gone.state.Load() != left {
		t.Errorf("leaving gave %v in state %d", r.Err, gone.state.Load())
	}
	wantBatches(t, q, "ac", "")
}

func TestBulkWaitsBehindPeopleButNotForEver(t *testing.T) {
	t.Parallel()
	q := newQueue()
	people := func() *request { return named('p') }
	bulk := named('B')
	bulk.append.Bulk = true
	if err := q.put([]*request{bulk, people()}); err != nil {
		t.Fatal(err)
	}
	var order []string
	for range bulkEvery + 2 {
		order = append(order, names(q.take(nil)))
		if err := q.put([]*request{people()}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"p", "p", "p", "p", "B", "p"}; !slices.Equal(order, want) {
		t.Errorf("batches were %q, want %q", order, want)
	}
}

func TestBatchesOfBulkAreSmallerWhilePeopleWait(t *testing.T) {
	t.Parallel()
	lane := func() *queue {
		q := newQueue()
		for range 2 * batchEvents {
			r := named('B')
			r.append.Stream.ID, r.append.Bulk = uuid.New(), true
			q.bulk = append(q.bulk, r)
		}
		return q
	}
	if n := len(lane().take(nil)); n != batchEvents {
		t.Errorf("idle, a bulk batch holds %d appends, want %d", n, batchEvents)
	}
	q := lane()
	q.people, q.passed = []*request{named('p')}, bulkEvery
	if n := len(q.take(nil)); n != bulkBusy {
		t.Errorf("while people wait, a bulk batch holds %d appends, want %d", n, bulkBusy)
	}
}

func TestABatchHoldsBoundedEventsAndBytesButAlwaysOneAppend(t *testing.T) {
	t.Parallel()
	large := named('L')
	large.append.Events[0].Data = make([]byte, 2*batchBytes)
	many := named('M')
	many.append.Events = slices.Repeat(many.append.Events, 2*batchEvents)
	wantBatches(t, fill(t, named('a'), large, named('b'), many, named('c')), "a", "L", "b", "M", "c", "")
}
