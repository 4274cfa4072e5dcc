// Package tenancy decides about whose data everything is: accounts with their
// settings and plans, and the sites and sectors that planning and writing
// happen in. Industries are seed data that sites and sectors refer to.
package tenancy

import "github.com/igny8/igny8/domain/es"

// Kinds are the module's kinds of aggregates.
func Kinds() []es.AnyKind {
	return []es.AnyKind{PlanKind, AccountKind, SiteKind, SectorKind}
}
