package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

const (
	// batchSize is how many events a projection takes in one transaction.
	batchSize = 4096
	// keptPages bounds how far the fastest projection is ahead of the slowest
	// before it waits.
	keptPages = 4
	// patience is how long it waits before the slowest reads for itself.
	patience = 250 * time.Millisecond
)

// page is a stretch of the log after one position and through another, decoded.
type page struct {
	after, through int64
	events         []Decoded
}

// last is when the page's last event was recorded.
func (p *page) last() time.Time {
	if len(p.events) == 0 {
		return time.Time{}
	}
	return p.events[len(p.events)-1].RecordedAt
}

// feed reads and decodes the log once for all projections. Whoever first needs
// a page reads it; the last few are kept for the others. It reads all types:
// nearly every event is some projection's, and a filter costs more than it
// spares.
type feed struct {
	log      Log
	registry *es.Registry

	mu       sync.Mutex
	pages    []*page
	reading  chan struct{} // closed when the page that is being read is there
	readFrom int64         // what that page comes after
	followed map[any]int64 // where each follower is
	moved    chan struct{} // closed when one of them moves
}

func newFeed(log Log, registry *es.Registry) *feed {
	return &feed{
		log: log, registry: registry,
		followed: map[any]int64{}, moved: make(chan struct{}),
	}
}

// next is the page that holds what follows a position, as soon as there is
// anything.
func (f *feed) next(ctx context.Context, follower any, after int64) (*page, error) {
	f.follow(follower, after)
	for {
		p, reading, private := f.kept(after)
		switch {
		case p != nil:
			return p, nil
		case private:
			return f.read(ctx, after)
		case reading != nil:
			select {
			case <-reading:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		default:
			if err := f.fetch(ctx, after); err != nil {
				return nil, err
			}
		}
	}
}

// kept looks for the page. Without one it says what to wait for, or that it is
// too old to be kept, or, with nothing, that the caller is to fetch it.
func (f *feed) kept(after int64) (p *page, reading chan struct{}, private bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.pages {
		if p.after <= after && after < p.through {
			return p, nil, false
		}
	}
	if len(f.pages) > 0 && after < f.pages[0].after || f.reading != nil && after < f.readFrom {
		return nil, nil, true
	}
	if f.reading != nil {
		return nil, f.reading, false
	}
	f.reading, f.readFrom = make(chan struct{}), after
	return nil, nil, false
}

// fetch reads the next page and keeps it.
func (f *feed) fetch(ctx context.Context, after int64) error {
	p, err := f.fetched(ctx, after)
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.reading)
	f.reading = nil
	if err != nil {
		return err
	}
	if n := len(f.pages); n > 0 && f.pages[n-1].through != after {
		f.pages = nil
	}
	f.pages = append(f.pages, p)
	if len(f.pages) > keptPages {
		f.pages = slices.Clone(f.pages[1:])
	}
	return nil
}

func (f *feed) fetched(ctx context.Context, after int64) (*page, error) {
	f.awaitSlowest(ctx)
	for {
		if _, err := f.log.Wait(ctx, after); err != nil {
			return nil, err
		}
		p, err := f.read(ctx, after)
		if err != nil || p.through > after {
			return p, err
		}
	}
}

// awaitSlowest holds back until nobody needs the oldest page any more.
func (f *feed) awaitSlowest(ctx context.Context) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		f.mu.Lock()
		full, moved := len(f.pages) >= keptPages, f.moved
		if full {
			full = false
			for _, at := range f.followed {
				full = full || at < f.pages[0].through && at >= f.pages[0].after
			}
		}
		f.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-moved:
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *feed) follow(follower any, at int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followed[follower] = at
	f.wake()
}

func (f *feed) leave(follower any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.followed, follower)
	f.wake()
}

func (f *feed) wake() {
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *feed) read(ctx context.Context, after int64) (*page, error) {
	return readPage(ctx, f.log, f.registry, es.Filter{}, after)
}

func readPage(ctx context.Context, log Log, registry *es.Registry, filter es.Filter, after int64) (*page, error) {
	read, err := log.Read(ctx, after, filter, batchSize)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	p := &page{after: after, through: read.Through, events: make([]Decoded, len(read.Events))}
	for i, rec := range read.Events {
		p.events[i] = decode(registry, rec)
	}
	return p, nil
}

// decode keeps what is wrong with an event for those projections that want it.
func decode(registry *es.Registry, rec es.Recorded) Decoded {
	e, err := registry.Decode(rec)
	return Decoded{Recorded: rec, Event: e, err: err}
}

// selector picks what a projection takes. It is not safe for concurrent use.
type selector struct {
	wants []string
	known map[string]bool
}

func newSelector(p Projection) *selector {
	return &selector{wants: p.Wants(), known: map[string]bool{}}
}

func (s *selector) wanted(eventType string) bool {
	is, known := s.known[eventType]
	if !known {
		is = slices.ContainsFunc(s.wants, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, "*")
			return want == eventType || isPrefix && strings.HasPrefix(eventType, prefix)
		})
		s.known[eventType] = is
	}
	return is
}

// of picks the wanted events after a position, and of accounts that are not
// parked.
func (s *selector) of(events []Decoded, after int64, parked map[es.ID]bool) []Decoded {
	var out []Decoded
	for i := range events {
		if e := &events[i]; e.Position > after && s.wanted(e.Type) && !parked[e.Stream.Account] {
			out = append(out, *e)
		}
	}
	return out
}
