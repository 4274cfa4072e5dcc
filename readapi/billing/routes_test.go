package billing_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	credits "github.com/igny8/igny8/commands/billing"
	"github.com/igny8/igny8/projections/billing"
)

type holds struct {
	Available, Reserved, Pending, Total int64
	Pools                               struct {
		Plan, Bonus struct{ Available, Reserved, Pending int64 }
	}
	Grants []struct{ Left, Reserved, Amount int64 }
}

func (w *world) balance(token string) (h holds) {
	w.Helper()
	w.do(token, "GET", "billing/credits/balance/", "").want(200, "").into("data", &h)
	return h
}

func TestTheBalanceIsExactAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.work("clustering", 300)
	if h := w.balance("viewer@ann"); h.Available != 700 || h.Reserved != 300 || h.Total != 1000 || h.Pools.Plan.Reserved != 300 {
		t.Errorf("with a reservation: %+v", h)
	}
	w.must(w.credits.Commit(t.Context(), c, 120, 18_000))
	if h := w.balance("viewer@ann"); h.Available != 880 || h.Reserved != 0 || len(h.Grants) != 1 || h.Grants[0].Left != 880 || h.Grants[0].Amount != 1000 {
		t.Errorf("once it is charged: %+v", h)
	}
	if h := w.balance("owner@bob"); h.Available != 1000 {
		t.Errorf("of somebody else: %+v", h)
	}
}

func TestTheLedgerAddsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	done, undone := w.work("clustering", 300), w.work("ideas", 50)
	w.must(w.credits.Commit(t.Context(), done, 120, 18_000))
	w.must(w.credits.Release(t.Context(), undone))
	w.caughtUp()
	var rows []billing.Transaction
	w.do("admin@ann", "GET", "billing/credits/transactions/?ordering=created_at&page_size=100", "").want(200, "").into("results", &rows)
	var told []string
	var amount, reserved int64
	for _, r := range rows {
		amount, reserved = amount+r.Amount, reserved+r.ReservedAmount
		told = append(told, fmt.Sprintf("%s %+d %+d", r.Kind, r.Amount, r.ReservedAmount))
		if r.BalanceAfter != amount || r.ReservedAfter != reserved || r.AvailableAfter != amount-reserved {
			t.Errorf("%s leaves %d, %d of them reserved; its row tells %+v", r.Kind, amount, reserved, r)
		}
	}
	want := []string{"granted +1000 +0", "reserved +0 +300", "reserved +0 +50", "committed -120 -300", "released +0 -50"}
	if !reflect.DeepEqual(told, want) {
		t.Fatalf("the ledger tells\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	charge := rows[3]
	if *charge.Operation != "clustering" || *charge.ReservationID != done.Reservation || *charge.JobID != done.Job || *charge.RequestID != "request-clustering" || *charge.Units != 18_000 {
		t.Errorf("the charge is %+v", charge)
	}
	for query, n := range map[string]int{
		"kind=committed": 1, "kind__in=reserved,released": 3, "operation=ideas": 2, "reservation_id=" + done.Reservation.String(): 2,
		"request_id=request-ideas": 2, "created_at__gte=2999-01-01T00:00:00Z": 0, "created_at__lte=2999-01-01T00:00:00Z": 5,
	} {
		if rows = nil; true {
			w.do("admin@ann", "GET", "billing/credits/transactions/?"+query, "").want(200, "").into("results", &rows)
		}
		if len(rows) != n {
			t.Errorf("%s finds %d entries, want %d", query, len(rows), n)
		}
	}
	w.same()
}

func TestUsageIsSummedByOperationAndDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for operation, n := range map[string]int64{"clustering": 3, "ideas": 1} {
		for range n {
			w.must(w.credits.Commit(t.Context(), w.work(operation, 10), 4, 100))
			w.caughtUp() // so that each is counted in a batch of its own.
		}
	}
	w.caughtUp()
	var usage []billing.Usage
	today := time.Now().UTC().Format(time.DateOnly)
	w.do("owner@ann", "GET", "billing/credits/usage/?from="+today, "").want(200, "").into("results", &usage)
	if want := []billing.Usage{{Operation: "clustering", Count: 3, Units: 300, Credits: 12}, {Operation: "ideas", Count: 1, Units: 100, Credits: 4}}; !reflect.DeepEqual(usage, want) {
		t.Errorf("used %+v, want %+v", usage, want)
	}
	w.do("owner@ann", "GET", "billing/credits/usage/?to=2020-01-01", "").want(200, "").into("results", &usage)
	if len(usage) != 0 {
		t.Errorf("used before there was anything: %+v", usage)
	}
	w.do("owner@ann", "GET", "billing/credits/usage/?from=yesterday", "").want(400, "invalid")
	var summary struct {
		Balance holds
		Totals  struct{ Granted, Committed, Expired int64 }
		Month   struct{ Credits int64 }
	}
	w.do("owner@ann", "GET", "billing/credits/summary/", "").want(200, "").into("data", &summary)
	if summary.Balance.Available != 984 || summary.Totals.Granted != 1000 || summary.Totals.Committed != 16 || summary.Month.Credits != 16 {
		t.Errorf("summed up as %+v", summary)
	}
	w.same()
}

func TestWhatIsDueExpiresAndIsNotFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ends := w.now().Add(90 * time.Minute).Format(time.RFC3339)
	w.do("developer@platform", "POST", "admin/billing/grants/", fmt.Sprintf(`{"account_id":%q,"amount":40,"source":"goodwill","pool":"plan","priority":1,"expires_at":%q}`, w.ann, ends)).want(201, "")
	w.work("clustering", 30) // of the grant that ends
	expire := func() int {
		t.Helper()
		w.caughtUp()
		n, err := credits.ExpireDue(t.Context(), w.bus, w.dues, w.now())
		w.must(err)
		return n
	}
	if n := expire(); n != 0 {
		t.Errorf("%d ledgers are due before their time", n)
	}
	w.ahead.Store(int64(70 * time.Minute))
	if n := expire(); n != 1 || w.balance("owner@ann").Reserved != 0 || w.balance("owner@ann").Available != 1040 {
		t.Errorf("%d ledgers were due, and then it holds %+v", n, w.balance("owner@ann"))
	}
	w.ahead.Store(int64(100 * time.Minute))
	if n := expire(); n != 1 || w.balance("owner@ann").Total != 1000 {
		t.Errorf("%d ledgers were due, and then it holds %+v", n, w.balance("owner@ann"))
	}
	if n := expire(); n != 0 {
		t.Errorf("%d ledgers are due again", n)
	}
	var rows []billing.Transaction
	w.caughtUp()
	w.do("admin@ann", "GET", "billing/credits/transactions/?kind__in=reservation_expired,grant_expired&ordering=created_at", "").want(200, "").into("results", &rows)
	if len(rows) != 2 || *rows[0].RequestID != "request-clustering" || rows[1].Amount != -40 || rows[1].BalanceAfter != 1000 {
		t.Errorf("expired: %+v", rows)
	}
	w.same()
}

func TestAnOldReservationIsKnownFromTheLedgersHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 6
	var olds, givens []credits.Charge
	for range many {
		old, given := w.work("clustering", 3), w.work("clustering", 3)
		w.must(w.credits.Commit(t.Context(), old, 2, 1))
		w.must(w.credits.Release(t.Context(), given))
		olds, givens = append(olds, old), append(givens, given)
	}
	for range 130 {
		w.must(w.credits.Release(t.Context(), w.work("ideas", 1)))
	}
	for i := range many {
		old, given := olds[i], givens[i]
		old.By.Command, given.By.Command = commands.NewID(), commands.NewID()
		w.must(w.credits.Commit(t.Context(), old, 2, 1))
		w.must(w.credits.Release(t.Context(), given))
		for what, err := range map[string]error{"commit": w.credits.Commit(t.Context(), given, 2, 1), "release": w.credits.Release(t.Context(), old)} {
			if err == nil || !strings.Contains(err.Error(), "already") {
				t.Errorf("another %s of one of long ago: %v", what, err)
			}
		}
	}
	if h := w.balance("owner@ann"); h.Available != 1000-2*many {
		t.Errorf("it holds %+v", h)
	}
}

func TestWhoMaySeeAndDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caughtUp()
	grant := fmt.Sprintf(`{"account_id":%q,"amount":5,"source":"goodwill"}`, w.bob)
	for _, c := range []struct {
		token, method, path, body string
		status                    int
		code                      string
	}{
		{"viewer@ann", "GET", "billing/credits/costs/", "", 200, ""},
		{"editor@ann", "GET", "billing/credits/transactions/", "", 403, "forbidden"},
		{"editor@ann", "GET", "billing/credits/usage/", "", 403, "forbidden"},
		{"editor@ann", "GET", "billing/credits/summary/", "", 403, "forbidden"},
		{"owner@ann", "POST", "admin/billing/grants/", grant, 403, "forbidden"},
		{"owner@ann", "PATCH", "admin/billing/costs/clustering/", `{"min_credits":0}`, 403, "forbidden"},
		{"developer@platform", "POST", "admin/billing/grants/?dry_run=true", grant, 200, ""},
		{"developer@platform", "POST", "admin/billing/grants/", grant, 201, ""},
		{"developer@platform", "POST", "admin/billing/grants/", strings.Replace(grant, w.bob.String(), commands.NewID().String(), 1), 404, "not_found"},
		{"developer@platform", "PATCH", "admin/billing/costs/alchemy/", `{"min_credits":0}`, 404, "not_found"},
		{"developer@platform", "PATCH", "admin/billing/costs/clustering/", `{"credits_per_unit":3}`, 400, "invalid"},
		{"developer@platform", "PATCH", "admin/billing/costs/clustering/", `{"min_credits":7}`, 200, ""},
	} {
		w.do(c.token, c.method, c.path, c.body).want(c.status, c.code)
	}
	if h := w.balance("viewer@bob"); h.Available != 1005 || h.Pools.Bonus.Available != 5 {
		t.Errorf("bob holds %+v", h)
	}
	w.caughtUp()
	var costs []billing.Cost
	w.do("viewer@bob", "GET", "billing/credits/costs/", "").want(200, "").into("results", &costs)
	if len(costs) != 8 || costs[0].Operation != "clustering" || costs[0].MinCredits != 7 || costs[0].TokensPerCredit != 150 {
		t.Errorf("prices %+v", costs)
	}
}
