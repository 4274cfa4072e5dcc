package commands

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// stream is what is known of one stream: its state after revision. Values are
// never changed once they are shared; next makes a new one.
type stream struct {
	id       es.StreamID
	kind     es.AnyKind
	state    any
	row      any
	revision int64
	position int64 // of the last event
	last     es.ID // the last event
	tenant   es.Tenant
	// creation is the hash of the first command's events, to recognise the same
	// create again.
	creation [32]byte
	creator  es.ID
	recent   *recent
	checked  time.Time // when the store last confirmed the revision
	kept     int64     // the revision of the last snapshot that this process knows of
}

func (b *Bus) blank(id es.StreamID, kind es.AnyKind) *stream {
	return &stream{id: id, kind: kind, state: kind.Zero(), row: b.shapes[id.Kind].Zero, recent: newRecent(b.config.Remember)}
}

// clone gives a copy that apply may change.
func (s *stream) clone() *stream {
	c := *s
	return &c
}

// apply folds one durable event into the copy s.
func (b *Bus) apply(s *stream, rec es.Recorded, e es.Event) {
	s.state = s.kind.Fold(s.state, rec.Envelope, e)
	if shape, ok := b.shapes[s.id.Kind]; ok {
		s.row = shape.Fold(s.row, rec, e)
	}
	s.revision, s.position, s.last = rec.Revision, rec.Position, rec.ID
	if rec.Revision == 1 {
		s.tenant, s.creator = rec.Tenant(), rec.Command
	}
	if rec.Command == s.creator {
		s.creation = chain(s.creation, e)
	}
	s.recent.add(rec.Command, rec.Revision, rec.RecordedAt)
}

// load reads the stream from the store: from what is cached on, else from its
// snapshot on, else all of it.
func (b *Bus) load(ctx context.Context, id es.StreamID, kind es.AnyKind) (*stream, error) {
	if st := b.states.get(id); st != nil {
		return b.refresh(ctx, st)
	}
	if st, err := b.loadKept(ctx, id, kind); st != nil || err != nil {
		if err == nil {
			b.share(ctx, st)
		}
		return st, err
	}
	return b.refresh(ctx, b.blank(id, kind))
}

// share puts a state that nobody changes any more into the cache.
func (b *Bus) share(ctx context.Context, st *stream) {
	b.keep(ctx, st)
	b.states.put(st)
}

// loadMany reads the streams of calls that are not cached, where the store reads
// many at once, and caches them. What cannot be read so, or was never created,
// is left out: its own load says why.
func (b *Bus) loadMany(ctx context.Context, calls []*call) map[es.StreamID]*stream {
	store, can := b.store.(ManyStreams)
	if !can || len(calls) == 0 {
		return nil
	}
	ids, at := make([]es.StreamID, len(calls)), b.config.Clock()
	for i, c := range calls {
		ids[i] = c.stream
	}
	found, err := store.ReadStreams(ctx, ids)
	if err != nil {
		return nil
	}
	states := make(map[es.StreamID]*stream, len(calls))
	for i, c := range calls {
		st := b.blank(c.stream, c.op.kind)
		st.checked = at
		if len(found[i]) == 0 || b.replay(ctx, st, found[i]) != nil {
			continue
		}
		b.share(ctx, st)
		states[c.stream] = st
	}
	return states
}

// refresh reads what was appended since.
func (b *Bus) refresh(ctx context.Context, st *stream) (*stream, error) {
	recs, err := b.store.ReadStream(ctx, st.id, st.revision+1)
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", st.id, err)
	}
	next := st.clone()
	next.checked = b.config.Clock()
	if err := b.replay(ctx, next, recs); err != nil {
		return nil, err
	}
	b.share(ctx, next)
	return next, nil
}

// replay folds recorded events into st.
func (b *Bus) replay(ctx context.Context, st *stream, recs []es.Recorded) error {
	events, at := make([]es.Event, 0, len(recs)), make([]int, len(recs))
	for i, rec := range recs {
		if rec.Stream.Account != st.id.Account {
			return fmt.Errorf("stream %s holds an event of another account at position %d", st.id, rec.Position)
		}
		e, err := b.registry.Decode(rec)
		if err != nil {
			return err
		}
		at[i] = -1
		if e != nil {
			at[i] = len(events)
			events = append(events, e)
		}
	}
	opened, err := b.vault.Open(ctx, st.id.Account, events)
	if err != nil {
		return fmt.Errorf("opening personal fields of stream %s: %w", st.id, err)
	}
	for i, rec := range recs {
		var e es.Event // none where it was purged
		if at[i] >= 0 {
			e = opened[at[i]]
		}
		b.apply(st, rec, e)
	}
	return nil
}

// fresh is the stream as the store had it at most Config.Fresh ago.
func (b *Bus) fresh(ctx context.Context, id es.StreamID, kind es.AnyKind) (*stream, error) {
	if st := b.states.get(id); st != nil && b.config.Clock().Sub(st.checked) < b.config.Fresh {
		return st, nil
	}
	return b.load(ctx, id, kind)
}

// asOf is the stream as it was after a revision, read from the start.
func (b *Bus) asOf(ctx context.Context, st *stream, revision int64) (*stream, error) {
	recs, err := b.store.ReadStream(ctx, st.id, 1)
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", st.id, err)
	}
	past := b.blank(st.id, st.kind)
	return past, b.replay(ctx, past, recs[:min(revision, int64(len(recs)))])
}

// chain hashes an event's data onto a hash: equal creates have equal chains.
func chain(sum [32]byte, e es.Event) [32]byte {
	data, err := json.Marshal(e)
	if err != nil {
		data = fmt.Append(nil, err)
	}
	return sha256.Sum256(append(sum[:], data...))
}

// states keeps the streams that were used last. What it holds may lag behind
// the store; every decision is confirmed there.
type states struct {
	mu    sync.Mutex
	limit int
	order *list.List
	byID  map[es.StreamID]*list.Element
}

func newStates(limit int) *states {
	return &states{limit: limit, order: list.New(), byID: map[es.StreamID]*list.Element{}}
}

func (s *states) get(id es.StreamID) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	el := s.byID[id]
	if el == nil {
		return nil
	}
	s.order.MoveToFront(el)
	st, _ := el.Value.(*stream)
	return st
}

// put keeps a stream unless a later revision of it is kept already.
func (s *states) put(st *stream) {
	if st.revision == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if el := s.byID[st.id]; el != nil {
		if old, _ := el.Value.(*stream); old.revision <= st.revision {
			el.Value = st
		}
		s.order.MoveToFront(el)
		return
	}
	s.byID[st.id] = s.order.PushFront(st)
	for len(s.byID) > s.limit {
		last := s.order.Back()
		old, _ := s.order.Remove(last).(*stream)
		delete(s.byID, old.id)
	}
}

func (s *states) drop(id es.StreamID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if el := s.byID[id]; el != nil {
		s.order.Remove(el)
		delete(s.byID, id)
	}
}
