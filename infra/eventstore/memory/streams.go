package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

// EachByStream calls each with the filter's events at or before a position,
// stream after stream. See projections.Streams.
func (s *Store) EachByStream(ctx context.Context, filter es.Filter, through int64, each func(es.Recorded) error) error {
	for _, e := range s.byStream(filter, through) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Store) byStream(filter es.Filter, through int64) []es.Recorded {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var events []es.Recorded
	for _, e := range s.log[:min(max(through, 0), int64(len(s.log)))] {
		if eventstore.Matches(filter, e.Envelope) {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b es.Recorded) int {
		return cmp.Or(
			slices.Compare(a.Stream.Account[:], b.Stream.Account[:]), cmp.Compare(a.Stream.Kind, b.Stream.Kind),
			slices.Compare(a.Stream.ID[:], b.Stream.ID[:]), cmp.Compare(a.Revision, b.Revision),
		)
	})
	return events
}
