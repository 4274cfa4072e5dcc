package billing

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// Plans knows what accounts open with; commands/tenancy has one.
type Plans interface {
	// Included is how many credits an account has that opens so. A plan that
	// does not exist is an error.
	Included(ctx context.Context, opened tenancy.AccountCreated) (int64, error)
}

// Reactions give every account that opens a ledger, with the credits that its
// plan includes then. They are of the plan's pool and never expire: what a paid
// plan renews is granted when it is paid.
func Reactions(bus *commands.Bus, plans Plans) commands.Reactions {
	return commands.Reactions{
		Group: "billing", Types: []string{tenancy.AccountCreated{}.EventType()},
		React: []commands.Reaction{opensLedger(bus, plans)},
	}
}

func opensLedger(bus *commands.Bus, plans Plans) commands.Reaction {
	return func(ctx context.Context, rec es.Recorded, e es.Event) error {
		opened, ok := e.(tenancy.AccountCreated)
		if !ok {
			return nil
		}
		included, err := plans.Included(ctx, opened)
		if err != nil {
			return fmt.Errorf("asking what account %s opens with: %w", rec.Stream.ID, err)
		}
		open := OpenLedger{Plan: opened.Plan, Included: included}
		if _, err := bus.Do(ctx, commands.Following(rec, "ledger", rec.Stream.ID, open)); err != nil {
			return fmt.Errorf("opening the ledger of account %s: %w", rec.Stream.ID, err)
		}
		return nil
	}
}
