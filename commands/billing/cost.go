package billing

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// CreateCost asks to give an operation a price, in the platform's account.
type CreateCost struct {
	Operation string
	billing.CostTerms
}

// Decide asks the cost.
func (c CreateCost) Decide(env es.Env, cost billing.Cost) ([]es.Event, error) {
	if env.Tenant.Account != es.PlatformAccount {
		return nil, es.Refuse(es.Forbidden, "", "Prices belong to the platform.")
	}
	return cost.Create(c.Operation, c.CostTerms)
}

// ChangeCost asks for another price of an operation; what is left out stays. Of
// tokens_per_credit and credits_per_unit one is above 0.
type ChangeCost struct {
	Unit            commands.Optional[string] `json:"unit,omitzero" nullable:"false" example:"token"`
	TokensPerCredit commands.Optional[int64]  `json:"tokens_per_credit,omitzero" nullable:"false" doc:"How many tokens a credit pays for."`
	CreditsPerUnit  commands.Optional[int64]  `json:"credits_per_unit,omitzero" nullable:"false" doc:"What a unit costs, where it is not by tokens."`
	MinCredits      commands.Optional[int64]  `json:"min_credits,omitzero" nullable:"false" doc:"The least that the operation costs."`
}

// Decide asks the cost.
func (c ChangeCost) Decide(_ es.Env, cost billing.Cost) ([]es.Event, error) {
	t := cost.CostTerms
	t.Unit, t.MinCredits = c.Unit.Or(t.Unit), c.MinCredits.Or(t.MinCredits)
	t.TokensPerCredit, t.CreditsPerUnit = c.TokensPerCredit.Or(t.TokensPerCredit), c.CreditsPerUnit.Or(t.CreditsPerUnit)
	return cost.Change(t)
}

// CostID is the id of an operation's cost, which is in the platform's account.
func CostID(operation string) es.ID { return billing.CostID(es.PlatformAccount, operation) }

// Seed makes the prices that are there from the start. What exists already stays
// as it is, also where an operator changed it.
func Seed(ctx context.Context, bus *commands.Bus) error {
	for _, seed := range billing.SeedCosts() {
		id := CostID(seed.Operation)
		cost, err := commands.Load(ctx, bus, billing.CostKind, es.PlatformAccount, id)
		if err != nil {
			return fmt.Errorf("reading the cost of %s: %w", seed.Operation, err)
		}
		if cost.Exists() {
			continue
		}
		_, err = bus.Do(ctx, commands.Request{
			Tenant: es.Tenant{Account: es.PlatformAccount}, Actor: es.System(), Target: id,
			Command: es.Derive(id, "seed", 0), Payload: CreateCost(seed),
		})
		if err != nil {
			return fmt.Errorf("making the cost of %s: %w", seed.Operation, err)
		}
	}
	return nil
}
