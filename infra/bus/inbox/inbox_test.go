package inbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/inbox"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

const group = "test.group"

func event(position int64) es.Recorded {
	return es.Recorded{Envelope: es.Envelope{
		Position: position, ID: uuid.New(), Type: "test.note.added.v1",
		Stream: es.StreamID{Account: uuid.New(), Kind: "test.note", ID: uuid.New()},
	}}
}

// opened is an inbox, and a counter that its effects raise in the database.
func opened(t *testing.T) (i *inbox.Inbox, effect func(context.Context, pgx.Tx) error, count func() int, db *postgres.DB) {
	t.Helper()
	db = pgtest.New(t).Postgres
	owner := db.Pool(postgres.RoleOwner)
	for _, sql := range []string{
		`CREATE TABLE effects (n int NOT NULL)`, `INSERT INTO effects VALUES (0)`, `GRANT SELECT, UPDATE ON effects TO igny8_projector`,
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	effect = func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE effects SET n = n + 1`)
		return err
	}
	count = func() (n int) {
		t.Helper()
		if err := owner.QueryRow(t.Context(), `SELECT n FROM effects`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	return inbox.New(db.Pool(postgres.RoleProjector)), effect, count, db
}

func TestManyCallsForOneEventHaveOneEffect(t *testing.T) {
	t.Parallel()
	i, effect, count, _ := opened(t)
	rec := event(7)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := i.Once(t.Context(), group, rec, effect); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := count(); n != 1 {
		t.Fatalf("%d effects", n)
	}
	for _, other := range []struct {
		consumer string
		rec      es.Recorded
	}{{group + "/other", rec}, {group, event(8)}} {
		if err := i.Once(t.Context(), other.consumer, other.rec, effect); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(); n != 3 {
		t.Errorf("another consumer and another event came to %d effects in all, want 3", n)
	}
}

func TestAnEffectThatFailedIsTriedAgainByTheNextCall(t *testing.T) {
	t.Parallel()
	i, effect, count, _ := opened(t)
	rec, failure := event(1), errors.New("not now")
	err := i.Once(t.Context(), group, rec, func(ctx context.Context, tx pgx.Tx) error { return errors.Join(effect(ctx, tx), failure) })
	if !errors.Is(err, failure) || count() != 0 {
		t.Fatalf("%v, %d effects", err, count())
	}
	if err := i.Once(t.Context(), group, rec, effect); err != nil || count() != 1 {
		t.Fatalf("%v, %d effects", err, count())
	}
}

func TestOldRowsGoOnceTheirGroupIsPastThemEverywhere(t *testing.T) {
	t.Parallel()
	i, effect, _, db := opened(t)
	owner := db.Pool(postgres.RoleOwner)
	do := func(sql string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	do(`INSERT INTO bus_groups (name, partitions) VALUES ($1, 2)`, group)
	do(`INSERT INTO bus_partitions (group_name, partition, position) VALUES ($1, 0, 10), ($1, 1, 5)`, group)
	passed, waiting, dead, young := event(5), event(6), event(4), event(3)
	for _, rec := range []es.Recorded{passed, waiting, dead} {
		if err := i.Once(t.Context(), group+"/rows", rec, effect); err != nil {
			t.Fatal(err)
		}
	}
	do(`UPDATE bus_inbox SET handled_at = now() - interval '2 hours'`)
	if err := i.Once(t.Context(), group, young, effect); err != nil {
		t.Fatal(err)
	}
	do(`INSERT INTO bus_dead_letters (account_id, group_name, event_id, position, type, stream, request_id, error, attempts)
		VALUES ($1, $2, $3, 4, '', '', '', '', 1)`, dead.Stream.Account, group, dead.ID)
	n, err := i.Prune(t.Context(), 100)
	if err != nil || n != 1 {
		t.Fatalf("pruned %d, %v; want the one of position 5", n, err)
	}
	var left bool
	if err := owner.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM bus_inbox WHERE event_id = $1)`, passed.ID).Scan(&left); err != nil || left {
		t.Errorf("the row of the event that was passed is still there: %v, %v", left, err)
	}
}
