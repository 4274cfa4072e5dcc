package memory

import (
	"context"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

// Read gives up to limit events after a position. See projections.Log.
func (s *Store) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	if err := ctx.Err(); err != nil {
		return es.Page{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	page := es.Page{Through: max(after, 0)}
	for page.Through < int64(len(s.log)) && len(page.Events) < limit {
		e := s.log[page.Through]
		page.Through++
		if eventstore.Matches(filter, e.Envelope) {
			page.Events = append(page.Events, e)
		}
	}
	return page, nil
}

// Head is the last position.
func (s *Store) Head(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.log)), nil
}

// Wait returns the last position as soon as it is past after.
func (s *Store) Wait(ctx context.Context, after int64) (int64, error) {
	for {
		s.mu.RLock()
		head, grown := int64(len(s.log)), s.grown
		s.mu.RUnlock()
		if head > after {
			return head, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
