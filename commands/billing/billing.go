// Package billing declares what can be asked about credits, and who may; what
// accounts get when they open; and what work pays with: Service.
package billing

import (
	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// Ops is what can be asked of the module.
func Ops() []commands.Op {
	return []commands.Op{
		commands.Create[OpenLedger](billing.LedgerKind, es.Developer, commands.InAccount),
		commands.On[GrantCredits](billing.LedgerKind, "grant", es.Developer),
		commands.On[ReserveCredits](billing.LedgerKind, "reserve", es.Editor),
		commands.On[CommitCredits](billing.LedgerKind, "commit", es.Editor),
		commands.On[ReleaseCredits](billing.LedgerKind, "release", es.Editor),
		commands.On[ExpireCredits](billing.LedgerKind, "expire", es.Developer),
		commands.Create[CreateCost](billing.CostKind, es.Developer, commands.InAccount),
		commands.On[ChangeCost](billing.CostKind, "change", es.Developer),
	}
}
