// Package memory is the event store of tests: both ports, commands.Store and
// projections.Log, in one value that forgets everything when it is dropped. It
// keeps every rule that the conformance suite states, claims too.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
	"github.com/igny8/igny8/projections"
)

var (
	_ commands.Store         = (*Store)(nil)
	_ commands.ManyStreams   = (*Store)(nil)
	_ commands.CommandFinder = (*Store)(nil)
	_ projections.Log        = (*Store)(nil)
	_ projections.Streams    = (*Store)(nil)
)

// Store keeps streams and their log in memory. It is safe for concurrent use.
// The bytes that it returns are its own and must not be changed.
type Store struct {
	clock func() time.Time

	mu       sync.RWMutex
	log      []es.Recorded // log[i] is at position i+1
	streams  map[es.StreamID][]int
	ids      map[es.ID]int
	claims   map[claimKey]es.StreamID
	counters map[string]int64
	grown    chan struct{} // closed when the log grows

	snapshots map[es.StreamID]commands.Snapshot
}

// Option changes how New makes a Store.
type Option func(*Store)

// WithClock sets what recorded times are taken from; the default is the
// system's clock. A clock that goes back makes recorded times stand still.
func WithClock(clock func() time.Time) Option { return func(s *Store) { s.clock = clock } }

// New makes an empty store.
func New(options ...Option) *Store {
	s := &Store{
		clock: time.Now, streams: map[es.StreamID][]int{}, ids: map[es.ID]int{},
		claims: map[claimKey]es.StreamID{}, counters: map[string]int64{}, grown: make(chan struct{}),
		snapshots: map[es.StreamID]commands.Snapshot{},
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// Append writes to one stream. See commands.Store.
func (s *Store) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	if err := ctx.Err(); err != nil {
		return es.Appended{}, err
	}
	if err := eventstore.Validate(a); err != nil {
		return es.Appended{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if done, stored, err := s.repeat(a); stored || err != nil {
		return done, err
	}
	if actual := int64(len(s.streams[a.Stream])); actual != a.Expected {
		return es.Appended{}, &es.WrongRevisionError{Stream: a.Stream, Actual: actual}
	}
	if err := s.checkClaims(a); err != nil {
		return es.Appended{}, err
	}
	s.applyClaims(a)
	return s.write(a), nil
}

// AppendMany writes each append on its own, in order.
func (s *Store) AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult {
	results := make([]es.AppendResult, len(appends))
	for i, a := range appends {
		results[i].Appended, results[i].Err = s.Append(ctx, a)
	}
	return results
}

// ReadStream reads a stream from a revision on.
func (s *Store) ReadStream(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	places := s.streams[stream]
	first := min(max(from, 1)-1, int64(len(places)))
	events := make([]es.Recorded, 0, int64(len(places))-first)
	for _, i := range places[first:] {
		events = append(events, s.log[i])
	}
	return events, nil
}

// ReadStreams reads many streams, each from its first event.
func (s *Store) ReadStreams(ctx context.Context, streams []es.StreamID) ([][]es.Recorded, error) {
	all := make([][]es.Recorded, len(streams))
	for i, stream := range streams {
		var err error
		if all[i], err = s.ReadStream(ctx, stream, 1); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RevisionsOf gives the last revision that each of the commands wrote.
func (s *Store) RevisionsOf(ctx context.Context, stream es.StreamID, commands []es.ID) (map[es.ID]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	revisions := map[es.ID]int64{}
	for _, command := range commands {
		for n := 0; ; n++ {
			i, ok := s.ids[es.EventID(command, n)]
			if !ok {
				break
			}
			if s.log[i].Stream == stream {
				revisions[command] = s.log[i].Revision
			}
		}
	}
	return revisions, nil
}

// Purge blanks data and salt of the stream's events up to a revision.
func (s *Store) Purge(ctx context.Context, stream es.StreamID, through int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.streams[stream] {
		if e := &s.log[i]; e.Revision <= through {
			e.Data, e.Salt, e.Purged = nil, nil, true
		}
	}
	delete(s.snapshots, stream)
	return nil
}

// repeat answers an append of which at least one event id is stored.
func (s *Store) repeat(a es.Append) (done es.Appended, stored bool, err error) {
	places := make([]int, 0, len(a.Events))
	for _, e := range a.Events {
		if i, ok := s.ids[e.ID]; ok {
			if s.log[i].Stream != a.Stream {
				return es.Appended{}, true, eventstore.EventIDTaken(a.Stream)
			}
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return es.Appended{}, false, nil
	}
	for k, i := range places {
		if len(places) != len(a.Events) || s.log[i].Revision != s.log[places[0]].Revision+int64(k) {
			return es.Appended{}, true, &es.WrongRevisionError{Stream: a.Stream, Actual: int64(len(s.streams[a.Stream]))}
		}
	}
	last := s.log[places[len(places)-1]]
	return es.Appended{Position: last.Position, Revision: last.Revision, RecordedAt: last.RecordedAt, Repeat: true}, true, nil
}

func (s *Store) write(a es.Append) es.Appended {
	at := s.clock().UTC().Truncate(time.Microsecond)
	if n := len(s.log); n > 0 && at.Before(s.log[n-1].RecordedAt) {
		at = s.log[n-1].RecordedAt
	}
	for _, e := range a.Events {
		e.Data, e.Salt, e.Purged = append([]byte{}, e.Data...), slices.Clone(e.Salt), false
		e.Position, e.RecordedAt = int64(len(s.log))+1, at
		e.Actor.Role = ""
		s.ids[e.ID] = len(s.log)
		s.streams[a.Stream] = append(s.streams[a.Stream], len(s.log))
		s.log = append(s.log, e)
	}
	close(s.grown)
	s.grown = make(chan struct{})
	return es.Appended{Position: int64(len(s.log)), Revision: a.Expected + int64(len(a.Events)), RecordedAt: at}
}
