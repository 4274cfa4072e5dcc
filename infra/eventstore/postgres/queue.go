package postgres

import (
	"errors"
	"sync"

	"github.com/igny8/igny8/domain/es"
)

const (
	batchEvents  = 1000    // at most, unless it is one large append
	batchBytes   = 4 << 20 // of event data, likewise
	bulkBusy     = 250     // events of a bulk batch while people wait
	bulkEvery    = 4       // a bulk batch comes after so many others at the latest
	deferredMost = 2000    // requests passed over for one batch
)

var errClosed = errors.New("the event store is closed")

// queue holds the requests that wait for a batch: those of people, and behind
// them bulk ones.
type queue struct {
	mu     sync.Mutex
	people []*request
	bulk   []*request
	closed bool
	// filled has a token whenever something may be waiting.
	filled chan struct{}
	// passed counts the batches made since bulk had its turn.
	passed int
	keys   keys
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1), keys: newKeys()} }

// put adds requests; it is refused once the queue is closed.
func (q *queue) put(requests []*request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	for _, r := range requests {
		if r.append.Bulk {
			q.bulk = append(q.bulk, r)
		} else {
			q.people = append(q.people, r)
		}
	}
	q.wake()
	return nil
}

func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// take fills batch with the next requests and marks them sent. It is empty
// when nothing waits.
func (q *queue) take(batch []*request) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.keys.reset()
	people := len(q.people) > 0
	if people && (len(q.bulk) == 0 || q.passed < bulkEvery) {
		q.passed++
		batch, q.people = q.pick(batch, q.people, batchEvents)
		if len(batch) > 0 {
			return batch
		}
	}
	q.passed = 0
	most := batchEvents
	if people {
		most = bulkBusy
	}
	batch, q.bulk = q.pick(batch, q.bulk, most)
	return batch
}

// pick takes requests from the front of a lane. What shares a key with a
// request in front of it stays, so that per key all happens in order.
func (q *queue) pick(batch, lane []*request, mostEvents int) (picked, rest []*request) {
	events, bytes, passedOver := 0, 0, 0
	kept := lane[:0]
	for i, r := range lane {
		size := r.size()
		full := len(batch) > 0 && (events+len(r.append.Events) > mostEvents || bytes+size > batchBytes)
		if full || passedOver == deferredMost {
			kept = append(kept, lane[i:]...)
			break
		}
		if r.state.Load() == left {
			continue
		}
		if q.keys.meet(&r.append) {
			q.keys.add(&r.append, true)
			kept = append(kept, r)
			passedOver++
			continue
		}
		if !r.state.CompareAndSwap(queued, sent) {
			continue
		}
		q.keys.add(&r.append, false)
		batch = append(batch, r)
		events, bytes = events+len(r.append.Events), bytes+size
	}
	clear(lane[len(kept):])
	return batch, kept
}

// close refuses further requests and gives those that wait.
func (q *queue) close() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	rest := append(q.people, q.bulk...)
	q.people, q.bulk = nil, nil
	q.wake()
	return rest
}

func (r *request) size() (n int) {
	for i := range r.append.Events {
		n += len(r.append.Events[i].Data)
	}
	return n
}

// keys are what a batch may hold only once: streams, event ids (and so command
// ids, from which they derive) and unique claims. Counters may be shared,
// unless a request that had to stay counts on them first.
type keys struct {
	streams  map[es.StreamID]struct{}
	ids      map[es.ID]struct{}
	claims   map[claimKey]struct{}
	counters map[string]struct{}
}

type claimKey struct{ scope, key string }

func newKeys() keys {
	return keys{
		streams: map[es.StreamID]struct{}{}, ids: map[es.ID]struct{}{},
		claims: map[claimKey]struct{}{}, counters: map[string]struct{}{},
	}
}

func (k *keys) reset() {
	clear(k.streams)
	clear(k.ids)
	clear(k.claims)
	clear(k.counters)
}

func (k *keys) meet(a *es.Append) bool {
	if _, met := k.streams[a.Stream]; met {
		return true
	}
	for i := range a.Events {
		if _, met := k.ids[a.Events[i].ID]; met {
			return true
		}
	}
	for _, c := range a.Claims {
		met := false
		if c.Op == es.CountClaim {
			_, met = k.counters[c.Scope]
		} else {
			_, met = k.claims[claimKey{c.Scope, string(c.Key)}]
		}
		if met {
			return true
		}
	}
	return false
}

func (k *keys) add(a *es.Append, stays bool) {
	k.streams[a.Stream] = struct{}{}
	for i := range a.Events {
		k.ids[a.Events[i].ID] = struct{}{}
	}
	for _, c := range a.Claims {
		switch {
		case c.Op != es.CountClaim:
			k.claims[claimKey{c.Scope, string(c.Key)}] = struct{}{}
		case stays:
			k.counters[c.Scope] = struct{}{}
		}
	}
}
