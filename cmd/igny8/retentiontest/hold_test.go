package retentiontest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/commands"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

type (
	batch = pgx.Batch
	row   = pgx.Row
)

func (w *world) hold(payload any) {
	w.Helper()
	_, err := w.holds.Do(w.Context(), commands.Request{Target: w.account, Actor: es.System(), Payload: payload})
	w.must(err)
}

func TestALegalHoldStopsEveryStepAndLiftingItGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.keywords(4)
	w.forward(15 * day)
	w.hold(tenants.PlaceLegalHold{Reason: "a"})
	w.hold(tenants.PlaceLegalHold{Reason: "again"})
	if s := w.swept(); s.Purged != 0 || s.Held != 1 {
		t.Errorf("under a hold the sweep came to %+v", s)
	}
	w.hold(tenants.LiftLegalHold{Reason: "b"})
	if s := w.swept(); s.Purged != 4 {
		t.Errorf("after it %+v", s)
	}
	w.hold(tenants.PlaceLegalHold{Reason: "c"}) // between Purged and blank
	if b := w.blanked(); b.Done != 0 || b.Waiting["a legal hold"] != 4 {
		t.Errorf("under a hold it blanked %+v", b)
	}
	if n := w.left(ids...); n != 8 {
		t.Errorf("%d events have data, want 8", n)
	}
	if _, err := w.vault.Erase(t.Context(), w.account, w.account); err != nil {
		t.Fatal(err) // there was no key that could be destroyed: only a fence.
	}
	w.hold(tenants.LiftLegalHold{Reason: "d"})
	if b := w.blanked(); b.Done != 4 {
		t.Errorf("after it %+v", b)
	}
	w.same()
	hold, err := w.holds.Of(t.Context(), w.account)
	if err != nil || hold != nil {
		t.Errorf("the hold is %+v, %v", hold, err)
	}
}

func TestADeletedAccountCanBeHeldAndOnlyThePlatformHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(w.account, commands.Delete{Kind: tenancy.AccountKind.Name})
	_, err := w.holds.Do(t.Context(), commands.Request{
		Target: w.account, Actor: es.Actor{Kind: es.UserActor, ID: commands.NewID(), Role: es.Owner}, Payload: tenants.PlaceLegalHold{Reason: "x"},
	})
	if es.ClassOf(err) != es.Forbidden {
		t.Errorf("an owner: %v", err)
	}
	w.hold(tenants.PlaceLegalHold{Reason: "x"})
	w.forward(15 * day)
	if s := w.swept(); s.Purged != 0 || s.Held != 1 {
		t.Errorf("the sweep came to %+v", s)
	}
	w.hold(tenants.LiftLegalHold{Reason: "y"})
	if s := w.swept(); s.Purged != 1 {
		t.Errorf("the sweep came to %+v", s)
	}
	w.blanked()
	if _, err := w.holds.Do(t.Context(), commands.Request{Target: w.account, Actor: es.System(), Payload: tenants.PlaceLegalHold{Reason: "z"}}); es.ClassOf(err) != es.NotFound {
		t.Errorf("a purged account: %v", err)
	}
	w.same()
}

// unaware lets everything through to the database.
type unaware struct{}

func (unaware) Held(context.Context, es.ID) (bool, error) { return false, nil }

func TestNothingIsBlankedOnceAHoldWasAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.keywords(400)
	w.forward(15 * day)
	w.swept()
	for round := range 12 {
		var blanking sync.WaitGroup
		blanking.Go(func() {
			b := w.blanking()
			b.Holds = unaware{} // the database alone must hold it.
			if _, err := b.Run(w.Context(), func(int64) {}); err != nil {
				t.Error(err)
			}
		})
		had := w.left(ids...)
		for w.left(ids...) == had && had > 0 && w.count(`SELECT count(*) FROM purges`) > 0 && round%3 > 0 {
			continue // in two of three rounds it is in the midst of it.
		}
		w.hold(tenants.PlaceLegalHold{Reason: "x"})
		at := w.left(ids...)
		blanking.Wait()
		if now := w.left(ids...); now != at {
			t.Fatalf("round %d: %d events had data when the hold was answered, and %d afterwards", round, at, now)
		}
		w.hold(tenants.LiftLegalHold{Reason: "y"})
		if at == 0 {
			t.Logf("all was blank after %d rounds", round+1)
			break
		}
	}
	w.blanked()
	if n := w.left(ids...); n != 0 {
		t.Errorf("%d events are left in the end", n)
	}
}
