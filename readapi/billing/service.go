package billing

import (
	"context"
	"time"

	commands "github.com/igny8/igny8/commands/billing"
	domain "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/billing"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/readapi"
)

// service asks the ledgers, and reads the module's tables.
type service struct {
	credits *commands.Service
	reader  *projections.Reader
	costs   *table.Table[billing.Cost]
}

// days is the range of days that usage is of.
type days struct {
	From string `query:"from" doc:"The first day, in UTC." example:"2026-11-01"`
	To   string `query:"to" doc:"The last day, in UTC." example:"2026-11-30"`
}

func (d days) parsed() (billing.Days, error) {
	faults := es.Faults{}
	day := func(field, text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if text != "" && err != nil {
			faults.Add(field, "A day is written as 2026-11-30.")
		}
		return at
	}
	parsed := billing.Days{From: day("from", d.From), To: day("to", d.To)}
	return parsed, faults.Err()
}

func (s service) usage(ctx context.Context, in *days) (*readapi.All[billing.Usage], error) {
	within, err := in.parsed()
	if err != nil {
		return nil, err
	}
	call := readapi.CallOf(ctx)
	usage, position, err := s.used(ctx, call, within)
	if err != nil {
		return nil, err
	}
	call.TrueAt(call.Principal.Account, position)
	return readapi.AllOf(usage), nil
}

func (s service) used(ctx context.Context, call *readapi.Call, within billing.Days) ([]billing.Usage, int64, error) {
	return billing.UsageOf(ctx, s.reader, projections.Read{Account: call.Principal.Account, AtLeast: call.AtLeast, Wait: call.Wait}, within)
}

// summary is an account's credits at a glance.
type summary struct {
	Balance balance `json:"balance"`
	// Totals are sums over the life of the account.
	Totals domain.Totals `json:"totals"`
	// Month is this month so far, in UTC.
	Month month `json:"month"`
}

type month struct {
	From    string          `json:"from"`
	Credits int64           `json:"credits"`
	Usage   []billing.Usage `json:"usage"`
}

func (s service) summary(ctx context.Context, _ *nothing) (*summary, error) {
	call := readapi.CallOf(ctx)
	held, err := s.held(ctx, call)
	if err != nil {
		return nil, err
	}
	first := time.Date(held.At.Year(), held.At.Month(), 1, 0, 0, 0, 0, time.UTC)
	usage, position, err := s.used(ctx, call, billing.Days{From: first})
	if err != nil {
		return nil, err
	}
	call.TrueAt(call.Principal.Account, position)
	answer := summary{Balance: balanceOf(held), Totals: held.Totals, Month: month{From: first.Format(time.DateOnly), Usage: usage}}
	for _, u := range usage {
		answer.Month.Credits += u.Credits
	}
	return &answer, nil
}

func (s service) listCosts(ctx context.Context, _ *nothing) (*readapi.All[billing.Cost], error) {
	page, err := s.costs.List(ctx, s.reader, table.Scope{Account: es.PlatformAccount, AllSites: true}, table.Query{
		Order: []string{"operation"}, PageSize: 100,
	})
	if err != nil {
		return nil, err
	}
	return readapi.AllOf(page.Rows), nil
}

// changedCost is the operation in the path and the change.
type changedCost struct {
	Operation string `path:"operation" doc:"The operation's name." example:"clustering"`
	Body      commands.ChangeCost
}

func changeCost(ctx context.Context, in *changedCost) (*billing.Cost, error) {
	call := readapi.CallOf(ctx)
	request := call.Ask(in.Body)
	request.Tenant.Account, request.Target = es.PlatformAccount, commands.CostID(in.Operation)
	outcome, err := call.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	row, _ := outcome.Row.(billing.Cost)
	return &row, nil
}

// granted is the body of a grant.
type granted struct {
	Body struct {
		AccountID   es.ID       `json:"account_id"`
		Amount      int64       `json:"amount" minimum:"1"`
		Source      string      `json:"source" doc:"What it is for." example:"goodwill"`
		Pool        domain.Pool `json:"pool,omitempty" doc:"plan or bonus, which it is if left out."`
		Priority    int64       `json:"priority,omitempty" doc:"The lowest is drawn first; the pool's if left out."`
		EffectiveAt time.Time   `json:"effective_at,omitzero" doc:"Now if left out."`
		ExpiresAt   time.Time   `json:"expires_at,omitzero" doc:"Never if left out."`
	}
}

// grantCredits gives credits to the account that the body names.
func grantCredits(ctx context.Context, in *granted) (*balance, error) {
	n := domain.NewGrant{
		Amount: in.Body.Amount, Source: in.Body.Source, Pool: in.Body.Pool, Priority: in.Body.Priority, EffectiveAt: in.Body.EffectiveAt,
	}
	if n.Pool == "" {
		n.Pool = domain.BonusPool
	}
	if !in.Body.ExpiresAt.IsZero() {
		n.ExpiresAt = &in.Body.ExpiresAt
	}
	call := readapi.CallOf(ctx)
	request := call.Ask(commands.GrantCredits{NewGrant: n})
	request.Tenant.Account, request.Target = in.Body.AccountID, in.Body.AccountID
	outcome, err := call.Do(ctx, request)
	switch {
	case err != nil && es.ClassOf(err) == es.NotFound:
		return nil, es.Refuse(es.NotFound, "", "There is no such account, or its ledger is not open yet.")
	case err != nil:
		return nil, err
	}
	ledger, _ := outcome.State.(domain.Ledger)
	b := balanceOf(commands.HeldBy(ledger, ledger.At))
	return &b, nil
}
