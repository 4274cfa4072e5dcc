// Package billing serves accounts' credits: the balance, the ledger, what was
// used, what operations cost; and to the platform's people grants and prices.
package billing

import (
	"net/http"

	commands "github.com/igny8/igny8/commands/billing"
	domain "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/billing"
	"github.com/igny8/igny8/readapi"
)

// platform is the scope of what the platform's people do.
const platform = "billing_admin"

// Mount serves the module's routes. Every member sees the balance and the
// prices, as whoever asks for work needs to know whether it can be paid; the
// ledger and what was used are for the roles that billing is for.
func Mount(api *readapi.API, credits *commands.Service, reader *projections.Reader) {
	s := service{credits: credits, reader: reader, costs: billing.Costs()}
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "billing/credits/balance/", Summary: "What the account holds now", Ungated: true,
		Description: "Read from the ledger itself, so that it is exact: available can be reserved, reserved belongs to work that goes on, pending to grants that take effect later.",
	}, s.balance)
	readapi.Resource(api, readapi.ResourceSpec[billing.Transaction]{
		Path: "billing/credits/transactions", Kind: domain.LedgerKind.Name, Table: billing.Transactions(),
		Reads: es.Admin, Noun: "transaction",
	})
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "billing/credits/usage/", Summary: "What was charged, by operation", Least: es.Admin, Ungated: true,
	}, s.usage)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "billing/credits/summary/", Summary: "The balance, its history and this month's usage", Least: es.Admin, Ungated: true,
	}, s.summary)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "billing/credits/costs/", Summary: "What operations cost", Ungated: true,
	}, s.listCosts)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPatch, Path: "admin/billing/costs/{operation}/", Summary: "Change what an operation costs",
		Description: "What is left out stays. What is reserved already stays reserved.",
		Least:       es.Developer, Throttle: platform, DryRuns: true, Codes: []int{http.StatusNotFound, http.StatusPreconditionFailed},
	}, changeCost)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPost, Path: "admin/billing/grants/", Summary: "Give an account credits", Status: http.StatusCreated,
		Least: es.Developer, Throttle: platform, DryRuns: true, Codes: []int{http.StatusNotFound, http.StatusConflict},
	}, grantCredits)
}
