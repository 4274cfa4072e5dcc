package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// listeners counts the connections that listen in the test's database.
func listeners(t *testing.T, db *pgtest.DB) (n int) {
	t.Helper()
	err := db.Postgres.Pool(database.RoleOwner).QueryRow(t.Context(), `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND usename = 'igny8_projector' AND application_name LIKE 'listen%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestHoweverManyWaitOneConnectionListens(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	log, store := newLog(t, db), newStore(t, db)
	var waiters sync.WaitGroup
	for range 30 {
		waiters.Go(func() {
			if _, err := log.Wait(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := store.Append(t.Context(), newAppend(1)); err != nil {
		t.Fatal(err)
	}
	waiters.Wait()
	if n := listeners(t, db); n != 1 {
		t.Errorf("%d connections listen", n)
	}
}

func TestWaitersAreWokenByTheAppendAndNotByThePoll(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	log, store := newLog(t, db), newStore(t, db)
	const rounds = 30 // half a minute's worth of polls
	begin := time.Now()
	for n := range int64(rounds) {
		if _, err := store.Append(t.Context(), newAppend(1)); err != nil {
			t.Fatal(err)
		}
		if head, err := log.Wait(t.Context(), n); err != nil || head != n+1 {
			t.Fatalf("woken at %d (%v), want %d", head, err, n+1)
		}
	}
	if took := time.Since(begin); took > rounds*time.Second/3 {
		t.Errorf("%d appends and waits took %v", rounds, took)
	}
}

func TestAWaitOutlivesTheLossOfItsListeningConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	log, store := newLog(t, db), newStore(t, db)
	for n := range int64(5) {
		woken := make(chan error, 1)
		go func() {
			_, err := log.Wait(t.Context(), n)
			woken <- err
		}()
		admin(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'igny8_projector' AND datname = current_database()")
		if _, err := store.Append(t.Context(), newAppend(1)); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-woken:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nobody woke the waiter")
		}
	}
}

func TestAClosedLogKeepsNoConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	log := postgres.NewLog(db.Postgres.Pool(database.RoleProjector))
	if _, err := newStore(t, db).Append(t.Context(), newAppend(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Wait(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for listeners(t, db) > 0 {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it listens for ever")
		}
	}
}

func TestOtherChannelsAreHeardOverTheSameConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	heard := make(chan string, 10)
	log := postgres.NewLog(db.Postgres.Pool(database.RoleProjector), postgres.WithListener("gossip", func(p string) { heard <- p }))
	t.Cleanup(log.Close)
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-heard:
			if got != want {
				t.Fatalf("heard %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("did not hear %q", want)
		}
	}
	notify := func() {
		t.Helper()
		if _, err := db.Postgres.Pool(database.RoleOwner).Exec(t.Context(), `NOTIFY gossip, 'news'`); err != nil {
			t.Fatal(err)
		}
	}
	expect("") // listening now
	notify()
	expect("news")
	if n := listeners(t, db); n != 1 {
		t.Errorf("%d connections listen", n)
	}
	if _, err := db.Postgres.Pool(database.RoleProjector).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'listen%'`); err != nil {
		t.Fatal(err)
	}
	expect("") // something may have been missed
	notify()
	expect("news")
}
