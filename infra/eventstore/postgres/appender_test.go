package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func newAppend(n int) es.Append {
	return eventstoretest.AppendOf(es.StreamID{Account: uuid.New(), Kind: "planner.keyword", ID: uuid.New()}, 0, n)
}

// admin runs a statement as a superuser.
func admin(t *testing.T, db *pgtest.DB, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestABatchThatPostgresRefusesIsHalvedUntilOnlyTheCauseIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	admin(t, db, `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON event_log FOR EACH ROW WHEN (NEW.type = 'poison') EXECUTE FUNCTION refuse()`)
	appends := make([]es.Append, 21)
	for i := range appends {
		appends[i] = newAppend(2)
	}
	appends[13].Events[1].Type = "poison"
	for i, r := range newStore(t, db).AppendMany(t.Context(), appends) {
		if bad := i == 13; bad != (r.Err != nil) {
			t.Errorf("append %d: %v", i, r.Err)
		} else if bad && (errors.Is(r.Err, eventstore.ErrUnknownOutcome) || !strings.Contains(r.Err.Error(), "poison")) {
			t.Errorf("the poisoned append was answered %v", r.Err)
		}
	}
}

func TestAppendsAreSentAgainOverALostConnectionAndHappenOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := newStore(t, db)
	stop := make(chan struct{})
	var killer, callers sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				admin(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'igny8_appender' AND datname = current_database()")
			}
		}
	})
	for range 16 {
		callers.Go(func() {
			stream := es.StreamID{Account: uuid.New(), Kind: "planner.keyword", ID: uuid.New()}
			for n := range int64(30) {
				if done, err := store.Append(t.Context(), eventstoretest.AppendOf(stream, n, 1)); err != nil || done.Revision != n+1 {
					t.Errorf("append at revision %d: %+v, %v", n, done, err)
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	killer.Wait()
	if head, err := newLog(t, db).Head(t.Context()); err != nil || head != 16*30 {
		t.Errorf("the head is %d (%v), want %d", head, err, 16*30)
	}
}

func nowhere(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestAnAppendThatIsNeverAnsweredHasAnUnknownOutcomeAtItsDeadline(t *testing.T) {
	t.Parallel()
	store := postgres.NewStore(nowhere(t))
	t.Cleanup(store.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := store.Append(ctx, newAppend(1))
	if !errors.Is(err, eventstore.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) || es.ClassOf(err) != es.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestAnAppendWithoutADeadlineIsGivenUpWhenPatienceEnds(t *testing.T) {
	t.Parallel()
	store := postgres.NewStore(nowhere(t), postgres.WithPatience(50*time.Millisecond))
	t.Cleanup(store.Close)
	if _, err := store.Append(context.WithoutCancel(t.Context()), newAppend(1)); !errors.Is(err, eventstore.ErrUnknownOutcome) {
		t.Errorf("got %v", err)
	}
}

func TestAClosedStoreAnswersEverybody(t *testing.T) {
	t.Parallel()
	store := postgres.NewStore(nowhere(t))
	answers := make(chan error, 20)
	for range cap(answers) {
		go func() {
			_, err := store.Append(t.Context(), newAppend(1))
			answers <- err
		}()
	}
	store.Close()
	store.Close()
	for range cap(answers) {
		if err := <-answers; err == nil {
			t.Error("an append was answered without error")
		}
	}
}

func TestRecordedTimesStandStillWhileTheServersClockIsBehind(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	admin(t, db, "UPDATE event_head SET recorded_at = $1", ahead)
	done, err := newStore(t, db).Append(t.Context(), newAppend(1))
	if err != nil || !done.RecordedAt.Equal(ahead) {
		t.Errorf("recorded at %v (%v), want %v", done.RecordedAt, err, ahead)
	}
}

func TestAppendsRefuseASnapshotOlderThanTheLock(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(pgtest.New(t).URL(database.RoleAppender))
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store := postgres.NewStore(pool)
	t.Cleanup(store.Close)
	if _, err := store.Append(t.Context(), newAppend(1)); err == nil || !strings.Contains(err.Error(), "read committed") {
		t.Errorf("got %v", err)
	}
}

func TestBatchesAreObserved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var appends, events int
	store := newStore(t, pgtest.New(t), postgres.WithBatches(func(a, e int, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		appends, events = appends+a, events+e
	}))
	stale := newAppend(1)
	stale.Expected, stale.Events[0].Revision = 5, 6
	store.AppendMany(t.Context(), []es.Append{newAppend(2), stale, newAppend(3)})
	store.Close()
	mu.Lock()
	defer mu.Unlock()
	if appends != 3 || events != 5 {
		t.Errorf("saw %d appends and %d events written, want 3 and 5", appends, events)
	}
}

func TestAppendsAreDurableEvenWhereTheServerIsNot(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	admin(t, db, `
		CREATE TABLE setting AS SELECT ''::text AS value;
		CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
			UPDATE setting SET value = current_setting('synchronous_commit'); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER keep AFTER INSERT ON event_log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep()`)
	admin(t, db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$")
	if _, err := newStore(t, db).Append(t.Context(), newAppend(1)); err != nil {
		t.Fatal(err)
	}
	admin(t, db, "DO $$ BEGIN ASSERT (SELECT value FROM setting) = 'on', 'at commit it was ' || (SELECT value FROM setting); END $$")
}
