// Package tenancy declares what can be asked about accounts, plans, sites and
// sectors, and who may; and what follows by itself when a site or sector is
// deleted or restored.
package tenancy

import (
	"slices"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// Ops is what can be asked of the module.
func Ops() []commands.Op {
	return slices.Concat(
		[]commands.Op{
			commands.Create[CreatePlan](tenancy.PlanKind, es.Developer, commands.InAccount),
			commands.On[ChangePlan](tenancy.PlanKind, "change", es.Developer),
			commands.Create[CreateAccount](tenancy.AccountKind, es.Developer, commands.InAccount),
			commands.On[ChangeAccountSettings](tenancy.AccountKind, "change_settings", es.Admin),
			commands.On[ChangeAccountPlan](tenancy.AccountKind, "change_plan", es.Developer),
			commands.On[ChangeAccountStatus](tenancy.AccountKind, "change_status", es.Developer),
			commands.On[PlaceLegalHold](tenancy.AccountKind, "place_legal_hold", es.Developer).AlsoDeleted(),
			commands.On[LiftLegalHold](tenancy.AccountKind, "lift_legal_hold", es.Developer).AlsoDeleted(),
			commands.Create[CreateSite](tenancy.SiteKind, es.Editor, commands.IsSite),
			commands.On[ChangeSite](tenancy.SiteKind, "change", es.Editor),
			commands.Create[CreateSector](tenancy.SectorKind, es.Editor, commands.IsSector),
			commands.On[ChangeSector](tenancy.SectorKind, "change", es.Editor),
		},
		commands.Lifecycle(tenancy.AccountKind, es.Owner, es.Developer),
		commands.Lifecycle(tenancy.SiteKind, es.Editor, es.Admin),
		commands.Lifecycle(tenancy.SectorKind, es.Editor, es.Admin),
	)
}
