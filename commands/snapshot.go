package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

const (
	// snapshotTime bounds the saving of one.
	snapshotTime = 10 * time.Second
	// snapshotsWaiting bounds how many streams wait for theirs; past it they
	// wait for their next one.
	snapshotsWaiting = 1000
)

// Snapshots keeps states of long streams, so that their events need not be read
// anew. The log stays the truth: a snapshot may be lost, late or missing.
type Snapshots interface {
	// Snapshot is the one that is kept of a stream; ok is false without one.
	Snapshot(ctx context.Context, stream es.StreamID) (s Snapshot, ok bool, err error)
	// KeepSnapshot replaces the stream's, unless the kept one is of the same
	// version and not older. It keeps none of a stream that was purged, and a
	// purge takes away what is kept.
	KeepSnapshot(ctx context.Context, s Snapshot) error
}

// Snapshot is a stream's state after a revision.
type Snapshot struct {
	Stream es.StreamID
	// Version is that of the state's form, es.Kind.Snapshots.
	Version  int
	Revision int64
	Data     []byte
}

// WithSnapshots keeps states of the kinds that ask for it, and says in log what
// is wrong with one. Nothing else fails because of them.
func (b *Bus) WithSnapshots(s Snapshots, log *slog.Logger) *Bus {
	b.snapshots = &snapshots{Snapshots: s, log: log, waiting: map[es.StreamID]*stream{}}
	return b
}

// snapshots saves states one after another, in the background.
type snapshots struct {
	Snapshots
	log     *slog.Logger
	mu      sync.Mutex
	waiting map[es.StreamID]*stream
	saving  bool
}

// snapshotData is Snapshot.Data: a state and what the kernel knows of its
// stream.
type snapshotData struct {
	State    json.RawMessage `json:"state"`
	Last     es.ID           `json:"last_event"` // by which it is known to be of this log
	Position int64           `json:"position"`
	Tenant   es.Tenant       `json:"tenant"`
	Creation [32]byte        `json:"creation"`
	Creator  es.ID           `json:"creator"`
	Commands []byte          `json:"commands"`
	Forgot   int64           `json:"forgot"`
}

// snapshot is the stream as it is kept, or nil without one that fits.
func (b *Bus) snapshot(ctx context.Context, id es.StreamID, kind es.AnyKind) *stream {
	if b.snapshots == nil || kind.SnapshotVersion() == 0 {
		return nil
	}
	kept, ok, err := b.snapshots.Snapshot(ctx, id)
	if err == nil && (!ok || kept.Version != kind.SnapshotVersion()) {
		return nil
	}
	var st *stream
	if err == nil {
		st, err = b.restored(kept, kind)
	}
	switch {
	case err == nil:
		return st
	case ctx.Err() == nil:
		b.snapshots.warn(ctx, "it cannot be read", id, err)
	}
	return nil
}

// loadKept loads a stream from its snapshot on. It is nil without one, or when
// the log does not know the event that the snapshot was taken after.
func (b *Bus) loadKept(ctx context.Context, id es.StreamID, kind es.AnyKind) (*stream, error) {
	st := b.snapshot(ctx, id, kind)
	if st == nil {
		return nil, nil
	}
	st.checked = b.config.Clock()
	recs, err := b.store.ReadStream(ctx, id, st.revision)
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", id, err)
	}
	if len(recs) == 0 || recs[0].ID != st.last || recs[0].Purged {
		b.snapshots.warn(ctx, "it is not of this log, or of what was purged", id, nil)
		return nil, nil
	}
	return st, b.replay(ctx, st, recs[1:])
}

func (b *Bus) restored(s Snapshot, kind es.AnyKind) (*stream, error) {
	var d snapshotData
	if err := json.Unmarshal(s.Data, &d); err != nil {
		return nil, err
	}
	state, err := kind.ReadState(d.State)
	if err != nil {
		return nil, err
	}
	if e := kind.EntityOf(state); e.Revision != s.Revision || e.ID != s.Stream.ID || e.Tenant.Account != s.Stream.Account {
		return nil, fmt.Errorf("its state is of revision %d of %s, and it says %d", e.Revision, e.ID, s.Revision)
	}
	commands, err := unpack(d.Commands)
	if err != nil {
		return nil, err
	}
	return &stream{
		id: s.Stream, kind: kind, state: state, revision: s.Revision, position: d.Position, last: d.Last,
		tenant: d.Tenant, creation: d.Creation, creator: d.Creator, recent: recentOf(b.config.Remember, commands, d.Forgot), kept: s.Revision,
	}, nil
}

func taken(st *stream) (Snapshot, error) {
	state, err := json.Marshal(st.state)
	if err != nil {
		return Snapshot{}, err
	}
	commands, forgot := st.recent.all() // which may know later ones: they are as durable.
	data, err := json.Marshal(snapshotData{
		State: state, Last: st.last, Position: st.position, Tenant: st.tenant,
		Creation: st.creation, Creator: st.creator, Commands: pack(commands), Forgot: forgot,
	})
	return Snapshot{Stream: st.id, Version: st.kind.SnapshotVersion(), Revision: st.revision, Data: data}, err
}

// keep has a state's snapshot taken when it is time for one. The state is about
// to be shared.
func (b *Bus) keep(ctx context.Context, st *stream) {
	if b.snapshots == nil || st.kind.SnapshotVersion() == 0 || st.revision < st.kept+int64(b.config.SnapshotEvery) {
		return
	}
	s := b.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, waits := s.waiting[st.id]; !waits && len(s.waiting) >= snapshotsWaiting {
		return
	}
	st.kept = st.revision
	s.waiting[st.id] = st
	if !s.saving {
		s.saving = true
		go s.save(context.WithoutCancel(ctx))
	}
}

// save takes what waits until nothing does.
func (s *snapshots) save(ctx context.Context) {
	for {
		st := s.next()
		if st == nil {
			return
		}
		kept, err := taken(st)
		if err == nil {
			err = s.keepInTime(ctx, kept)
		}
		if err != nil {
			s.warn(ctx, "it was not kept", st.id, err)
		}
	}
}

func (s *snapshots) keepInTime(ctx context.Context, kept Snapshot) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	return s.KeepSnapshot(ctx, kept)
}

func (s *snapshots) next() *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, st := range s.waiting {
		delete(s.waiting, id)
		return st
	}
	s.saving = false
	return nil
}

func (s *snapshots) warn(ctx context.Context, what string, id es.StreamID, err error) {
	s.log.WarnContext(ctx, "commands: a snapshot is ignored", slog.String("why", what), slog.String("stream", id.String()), slog.Any("error", err))
}
