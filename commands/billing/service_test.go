package billing_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/billing"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

func TestWorkIsPaidForOnceHoweverOftenItIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(100)
	c := w.charge()
	for range 2 {
		w.must(w.Reserve(t.Context(), c, 30, soon()))
		w.has(70, 30, 0)
	}
	for range 2 {
		w.must(w.Commit(t.Context(), c, 12, 1700))
		w.has(88, 0, 12)
	}
	w.must(w.Reserve(t.Context(), c, 30, soon()))
	w.has(88, 0, 12)
	recs, _ := w.history()
	if len(recs) != 4 {
		t.Fatalf("%d events, want opened, granted, reserved, committed", len(recs))
	}
}

func TestAReservationThatEndedIsRefusedAnythingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(100)
	c, released := w.charge(), w.charge()
	w.must(w.Reserve(t.Context(), c, 30, soon()))
	for what, got := range map[string]struct {
		err  error
		want string
	}{
		"another amount":     {w.Reserve(t.Context(), c, 31, soon()), "exists"},
		"more than reserved": {w.Commit(t.Context(), c, 31, 1), "invalid"},
		"less than nothing":  {w.Commit(t.Context(), c, -1, 1), "invalid"},
		"one never made":     {w.Commit(t.Context(), w.charge(), 1, 1), "reservation_unknown"},
	} {
		if word(got.err) != got.want {
			t.Errorf("%s: %v, want %s", what, got.err, got.want)
		}
	}
	w.must(w.Commit(t.Context(), c, 30, 1))
	w.must(w.Reserve(t.Context(), released, 30, soon()))
	w.must(w.Release(t.Context(), released))
	w.must(w.Release(t.Context(), released))
	for what, err := range map[string]error{
		"another commit":          w.Commit(t.Context(), c, 29, 1),
		"a release of a commit":   w.Release(t.Context(), c),
		"a commit of a release":   w.Commit(t.Context(), released, 30, 1),
		"a reserve of a released": w.Reserve(t.Context(), released, 30, soon()),
	} {
		if word(err) != "reservation_resolved" {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.has(70, 0, 30)
}

func TestWhatIsTooDearIsRefusedWithWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Reserve(t.Context(), w.charge(), 1, soon()); word(err) != "account_opening" || es.ClassOf(err) != es.Unavailable {
		t.Errorf("without a ledger: %v", err)
	}
	w.open(10)
	err := w.Reserve(t.Context(), w.charge(), 11, soon())
	if es.ClassOf(err) != es.Plan || word(err) != "insufficient_credits" || !strings.Contains(err.Error(), "11 credits, and 10 are") {
		t.Errorf("refused with %v", err)
	}
	w.has(10, 0, 0)
}

func TestACommitAfterItsTimeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.bus, w.store = w.process(commands.Config{Clock: clock})
	w.Service = &Service{Bus: w.bus, Clock: clock}
	w.open(100)
	late, open, back := w.charge(), w.charge(), w.charge()
	w.must(w.Reserve(t.Context(), late, 30, soon()))
	w.must(w.Reserve(t.Context(), back, 10, soon()))
	w.must(w.Reserve(t.Context(), open, 20, soon().Add(2*time.Hour)))
	ahead.Store(int64(90 * time.Minute))
	w.has(80, 20, 0)
	if err := w.Commit(t.Context(), late, 30, 1); word(err) != "reservation_expired" {
		t.Errorf("before anybody recorded that it expired: %v", err)
	}
	w.must(w.Release(t.Context(), back))
	if _, events := w.history(); len(events) != 5 {
		t.Errorf("what changes nothing is recorded: %d events", len(events))
	}
	for range 2 {
		n, err := ExpireDue(t.Context(), w.bus, oneLedger(w.account), clock())
		if n != 1 || err != nil {
			t.Errorf("asked %d ledgers: %v", n, err)
		}
	}
	recs, events := w.history()
	expired, ok := events[5].(billing.ReservationExpired)
	if !ok || expired.Job != late.Job || expired.Request != late.By.Request || expired.Correlation != late.By.Correlation || len(recs) != 7 {
		t.Errorf("%d events, among them %+v", len(recs), events[5])
	}
	for what, err := range map[string]error{"commit": w.Commit(t.Context(), late, 30, 1), "reserve": w.Reserve(t.Context(), late, 30, clock().Add(time.Hour))} {
		if word(err) != "reservation_expired" {
			t.Errorf("a %s afterwards: %v", what, err)
		}
	}
	w.must(w.Release(t.Context(), late))
	w.must(w.Commit(t.Context(), open, 20, 1))
	w.has(80, 0, 20)
}

type oneLedger es.ID

func (l oneLedger) Due(context.Context, time.Time, es.ID, int) ([]es.ID, error) {
	return []es.ID{es.ID(l)}, nil
}

// past answers what a ledger forgot.
type past map[es.ID]billing.Resolution

func (p past) Resolution(_ context.Context, _, reservation es.ID, atLeast int64) (billing.Resolution, bool, error) {
	r, is := p[reservation]
	return r, is && atLeast > 0, nil
}

func TestWhatALedgerForgotIsLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(1000)
	first := w.charge()
	w.must(w.Reserve(t.Context(), first, 3, soon()))
	w.must(w.Commit(t.Context(), first, 3, 1))
	for range 130 {
		c := w.charge()
		w.must(w.Reserve(t.Context(), c, 1, soon()))
		w.must(w.Release(t.Context(), c))
	}
	other := first
	other.By.Command = commands.NewID()
	if err := w.Commit(t.Context(), other, 3, 1); word(err) != "reservation_unknown" {
		t.Errorf("forgotten: %v", err)
	}
	w.Head = w.log.Head
	w.History = past{first.Reservation: {Reservation: first.Reservation, As: billing.Committed, Credits: 3}}
	w.must(w.Commit(t.Context(), other, 3, 1))
	w.must(w.Reserve(t.Context(), first, 3, soon()))
	w.History = past{first.Reservation: {Reservation: first.Reservation, As: billing.Expired}}
	if err := w.Reserve(t.Context(), first, 3, soon()); word(err) != "reservation_expired" {
		t.Errorf("reserved anew after it expired long ago: %v", err)
	}
	w.History = past{first.Reservation: {Reservation: first.Reservation, As: billing.Committed, Credits: 3}}
	if err := w.Commit(t.Context(), other, 2, 1); word(err) != "reservation_resolved" {
		t.Errorf("another amount: %v", err)
	}
	if err := w.Release(t.Context(), other); word(err) != "reservation_resolved" {
		t.Errorf("a release: %v", err)
	}
	w.has(997, 0, 3)
}

func TestEveryChargeIsTracedToItsRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(100)
	c, released := w.charge(), w.charge()
	w.must(w.Reserve(t.Context(), c, 5, soon()))
	w.must(w.Commit(t.Context(), c, 5, 700))
	w.must(w.Reserve(t.Context(), released, 5, soon()))
	w.must(w.Release(t.Context(), released))
	recs, events := w.history()
	for i, want := range []Charge{2: c, 3: c, 4: released, 5: released} {
		if want.Job == (es.ID{}) {
			continue
		}
		rec := recs[i]
		if rec.Request != want.By.Request || rec.Correlation != want.By.Correlation || rec.Causation != want.By.Command || rec.Actor.ID != want.By.Actor.ID {
			t.Errorf("%s was caused by %+v", rec.Type, rec.Envelope)
		}
		var work billing.Work
		switch e := events[i].(type) {
		case billing.CreditsReserved:
			work = e.Work
		case billing.CreditsCommitted:
			work = e.Work
		case billing.CreditsReleased:
			work = e.Work
		}
		if work.Job != want.Job || work.Operation != want.Operation || work.Site != want.By.Tenant.Site || work.Request != want.By.Request {
			t.Errorf("%s is for %+v", rec.Type, work)
		}
	}
}

func TestAnAccountThatOpensGetsWhatItsPlanIncludesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reactions := Reactions(w.bus, tenants.Accounts{Bus: w.bus})
	rec := es.Recorded{Envelope: es.Envelope{
		ID: commands.NewID(), Stream: es.StreamID{Account: w.account, Kind: tenancy.AccountKind.Name, ID: w.account}, Request: "sign-up", Correlation: commands.NewID(),
	}}
	created := tenancy.AccountCreated{Plan: tenancy.FreePlan, Status: tenancy.AccountActive}
	for range 2 {
		for _, react := range reactions.React {
			w.must(react(t.Context(), rec, created))
		}
	}
	w.has(1000, 0, 0)
	b := w.balance()
	if g := b.Grants[0]; len(b.Grants) != 1 || g.ExpiresAt != nil || g.Pool != billing.PlanPool || g.Source != "plan:free" {
		t.Errorf("granted %+v", b.Grants)
	}
	if recs, _ := w.history(); len(recs) != 2 || recs[1].Request != "sign-up" || recs[1].Causation != rec.ID {
		t.Errorf("granted by %+v", recs)
	}
	w.account = commands.NewID()
	rec.ID, rec.Stream.Account, rec.Stream.ID = commands.NewID(), w.account, w.account
	created.Status = tenancy.AccountPendingPayment
	w.must(reactions.React[0](t.Context(), rec, created))
	w.has(0, 0, 0)
	created.Plan = "no such plan"
	if err := reactions.React[0](t.Context(), rec, created); err == nil {
		t.Error("a plan that is not there is taken for one")
	}
}

func TestPricesAreSeededOnceAndChangedByThePlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Seed(t.Context(), w.bus))
	price := func(units int64) int64 {
		t.Helper()
		n, err := w.Price(t.Context(), billing.Clustering, units)
		w.must(err)
		return n
	}
	if got := price(451); got != 4 {
		t.Errorf("451 tokens cost %d credits, want 4", got)
	}
	change := func(account es.ID, role es.Role) error {
		_, err := w.bus.Do(t.Context(), commands.Request{
			Tenant: es.Tenant{Account: account}, Actor: es.Actor{Kind: es.UserActor, Role: role}, Target: CostID(billing.Clustering),
			Payload: ChangeCost{TokensPerCredit: commands.Some(int64(50))},
		})
		return err
	}
	if err := change(es.PlatformAccount, es.Owner); es.ClassOf(err) != es.Forbidden {
		t.Errorf("an owner changes prices: %v", err)
	}
	if err := change(w.account, es.Developer); es.ClassOf(err) != es.NotFound {
		t.Errorf("a developer changes them in an account: %v", err)
	}
	w.must(change(es.PlatformAccount, es.Developer))
	w.must(Seed(t.Context(), w.bus))
	if got := price(451); got != 10 {
		t.Errorf("451 tokens cost %d credits, want 10", got)
	}
	if _, err := w.Price(t.Context(), "alchemy", 1); es.ClassOf(err) != es.NotFound {
		t.Errorf("an operation without a price: %v", err)
	}
}
