package followers_test

import (
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/infra/followers"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

const name = "test"

func acquired(t *testing.T, c *followers.Checkpoints) commands.Lease {
	t.Helper()
	l, err := c.Acquire(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return l
}

func TestOneFollowsAtATimeAndTheNextGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Postgres
	mine, others := followers.New(db.Pool(postgres.RoleProjector)), followers.New(db.Pool(postgres.RoleProjector))
	first := acquired(t, mine)
	if first.Position() != 0 {
		t.Errorf("a new follower begins after %d", first.Position())
	}
	next := make(chan commands.Lease)
	go func() { next <- acquired(t, others) }()
	if err := first.Save(t.Context(), 42); err != nil {
		t.Fatal(err)
	}
	select {
	case <-next:
		t.Fatal("two follow at once")
	case <-time.After(600 * time.Millisecond): // longer than the other waits between two tries.
	}
	first.Release()
	second := <-next
	if second.Position() != 42 {
		t.Errorf("the next goes on after %d, want 42", second.Position())
	}
	if at, err := mine.Position(t.Context(), name); err != nil || at != 42 {
		t.Errorf("the position is %d, %v", at, err)
	}
	if first.Save(t.Context(), 99) == nil {
		t.Error("who released it can still save")
	}
}

func TestALostSessionEndsTheLeaseAndSavesNothingMore(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Postgres
	c := followers.New(db.Pool(postgres.RoleProjector))
	l := acquired(t, c)
	if _, err := db.Pool(postgres.RoleProjector).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told that the session is gone")
	}
	if l.Save(t.Context(), 7) == nil {
		t.Error("who lost it can still save")
	}
	if next := acquired(t, c); next.Position() != 0 {
		t.Errorf("the next goes on after %d", next.Position())
	}
}
