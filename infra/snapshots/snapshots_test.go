package snapshots_test

import (
	"context"
	"sync"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/memory"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/snapshots"
)

// kept is a store of events and the snapshots beside it.
type kept struct {
	commands.Store
	commands.Snapshots
}

func onEach(t *testing.T, check func(*testing.T, kept)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s := memory.New()
		check(t, kept{s, s})
	})
	t.Run("Postgres", func(t *testing.T) {
		t.Parallel()
		pool := pgtest.New(t).Postgres.Pool(postgres.RoleAppender)
		s := eventstore.NewStore(pool)
		t.Cleanup(s.Close)
		check(t, kept{s, snapshots.New(pool)})
	})
}

func (k kept) stream(t *testing.T, events int) es.StreamID {
	t.Helper()
	stream := es.StreamID{Account: commands.NewID(), Kind: "k", ID: commands.NewID()}
	if _, err := k.Append(t.Context(), eventstoretest.AppendOf(stream, 0, events)); err != nil {
		t.Fatal(err)
	}
	return stream
}

func (k kept) keep(t *testing.T, s commands.Snapshot) {
	t.Helper()
	if err := k.KeepSnapshot(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func (k kept) want(t *testing.T, stream es.StreamID, want string) {
	t.Helper()
	got, ok, err := k.Snapshot(t.Context(), stream)
	if err != nil || ok != (want != "") || string(got.Data) != want {
		t.Errorf("the snapshot is %+v, %v, %v; want %q", got, ok, err, want)
	}
}

func TestTheNewestSnapshotOfAVersionIsKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k kept) {
		stream := k.stream(t, 3)
		k.want(t, stream, "")
		k.keep(t, commands.Snapshot{Stream: stream, Version: 1, Revision: 2, Data: []byte("two")})
		k.keep(t, commands.Snapshot{Stream: stream, Version: 1, Revision: 1, Data: []byte("late")})
		k.want(t, stream, "two")
		k.keep(t, commands.Snapshot{Stream: stream, Version: 2, Revision: 1, Data: []byte("of another version")})
		k.want(t, stream, "of another version")
		k.want(t, es.StreamID{Account: commands.NewID(), Kind: stream.Kind, ID: stream.ID}, "")
	})
}

func TestAPurgeTakesTheSnapshotAwayAndNoneIsKeptAfterIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k kept) {
		stream, never := k.stream(t, 2), es.StreamID{Account: commands.NewID(), Kind: "k", ID: commands.NewID()}
		s := commands.Snapshot{Stream: stream, Version: 1, Revision: 2, Data: []byte("secret")}
		k.keep(t, s)
		if err := k.Purge(t.Context(), stream, 2); err != nil {
			t.Fatal(err)
		}
		k.want(t, stream, "")
		k.keep(t, s)
		k.want(t, stream, "")
		k.keep(t, commands.Snapshot{Stream: never, Version: 1, Revision: 2, Data: []byte("x")})
		k.want(t, never, "")
	})
}

func TestASnapshotThatRacesWithAPurgeIsGoneAfterwards(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k kept) {
		for range 40 {
			stream := k.stream(t, 2)
			var both sync.WaitGroup
			for n := range int64(3) {
				both.Go(func() {
					if err := k.KeepSnapshot(context.WithoutCancel(t.Context()), commands.Snapshot{Stream: stream, Version: 1, Revision: 1 + n, Data: []byte("secret")}); err != nil {
						t.Error(err)
					}
				})
			}
			both.Go(func() {
				if err := k.Purge(context.WithoutCancel(t.Context()), stream, 2); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			k.want(t, stream, "")
		}
	})
}

func TestOnlyTheAppenderReadsAndKeepsSnapshots(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, role := range postgres.Roles() {
		for sql, allowed := range map[string]bool{
			"SELECT data FROM snapshots": role == postgres.RoleAppender,
			"SELECT keep_snapshot(gen_random_uuid(), '', gen_random_uuid(), 1, 1, '')": role == postgres.RoleAppender,
			"DELETE FROM snapshots": false,
			"INSERT INTO snapshots (account_id, kind, stream_id, version, revision, data) VALUES (gen_random_uuid(), '', gen_random_uuid(), 1, 1, '')": false,
		} {
			_, err := db.Postgres.Pool(role).Exec(t.Context(), sql)
			if role != postgres.RoleOwner && (err == nil) != allowed {
				t.Errorf("%s as %s: %v", sql, role, err)
			}
		}
	}
}
