package memory

import (
	"bytes"
	"context"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

var _ commands.Snapshots = (*Store)(nil)

// Snapshot is the one that is kept of a stream. See commands.Snapshots.
func (s *Store) Snapshot(ctx context.Context, stream es.StreamID) (kept commands.Snapshot, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return commands.Snapshot{}, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	kept, ok = s.snapshots[stream]
	return kept, ok, nil
}

// KeepSnapshot replaces the stream's, unless it is newer or the stream was
// purged.
func (s *Store) KeepSnapshot(ctx context.Context, taken commands.Snapshot) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.streams[taken.Stream]
	if len(places) == 0 || s.log[places[0]].Purged {
		return nil
	}
	if kept, ok := s.snapshots[taken.Stream]; ok && kept.Version == taken.Version && kept.Revision >= taken.Revision {
		return nil
	}
	taken.Data = bytes.Clone(taken.Data)
	s.snapshots[taken.Stream] = taken
	return nil
}
