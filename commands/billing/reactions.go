package billing

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// Reactions give every account that opens a ledger, with the credits that its
// plan includes then. They are of the plan's pool and never expire: what a paid
// plan renews is granted when it is paid. An account that is not paid for yet
// begins with none.
func Reactions(bus *commands.Bus) commands.Reactions {
	return commands.Reactions{
		Group: "billing", Types: []string{tenancy.AccountCreated{}.EventType()},
		React: []commands.Reaction{opensLedger(bus)},
	}
}

func opensLedger(bus *commands.Bus) commands.Reaction {
	return func(ctx context.Context, rec es.Recorded, e es.Event) error {
		opened, ok := e.(tenancy.AccountCreated)
		if !ok {
			return nil
		}
		plan, err := commands.Load(ctx, bus, tenancy.PlanKind, tenancy.PlatformAccount, tenancy.PlanID(opened.Plan))
		if err != nil {
			return fmt.Errorf("reading plan %s: %w", opened.Plan, err)
		}
		if !plan.Exists() {
			return fmt.Errorf("account %s opened on plan %q, which does not exist", rec.Stream.ID, opened.Plan)
		}
		open := OpenLedger{Plan: opened.Plan}
		if opened.Status == tenancy.AccountActive || opened.Status == tenancy.AccountTrial {
			open.Included = plan.IncludedCredits
		}
		if _, err := bus.Do(ctx, commands.Following(rec, "ledger", rec.Stream.ID, open)); err != nil {
			return fmt.Errorf("opening the ledger of account %s: %w", rec.Stream.ID, err)
		}
		return nil
	}
}
