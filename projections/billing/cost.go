package billing

import (
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/table"
)

// Costs is the table of costs, all of them in the platform's account.
func Costs() *table.Table[Cost] {
	return table.New(table.Spec[Cost]{
		Name: "billing_costs", Version: 1, Kind: billing.CostKind, Evolve: evolveCost,
	})
}

// Cost is what an operation costs: a credit for TokensPerCredit tokens, or
// CreditsPerUnit for each unit, rounded up, and MinCredits at least.
type Cost struct {
	table.Base
	Operation       string `db:"operation" json:"operation" filter:"eq,in" sort:"scan"`
	Unit            string `db:"unit" json:"unit"`
	TokensPerCredit int64  `db:"tokens_per_credit" json:"tokens_per_credit"`
	CreditsPerUnit  int64  `db:"credits_per_unit" json:"credits_per_unit"`
	MinCredits      int64  `db:"min_credits" json:"min_credits"`
}

func evolveCost(row *Cost, e es.Event) {
	switch e := e.(type) {
	case billing.CostCreated:
		row.Operation = e.Operation
		row.set(e.CostTerms)
	case billing.CostChanged:
		row.set(e.CostTerms)
	}
}

func (c *Cost) set(t billing.CostTerms) {
	c.Unit, c.TokensPerCredit, c.CreditsPerUnit, c.MinCredits = t.Unit, t.TokensPerCredit, t.CreditsPerUnit, t.MinCredits
}
