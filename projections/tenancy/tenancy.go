// Package tenancy shows accounts and their settings, plans, sites and sectors,
// and knows what belongs to which of them.
package tenancy

import "github.com/igny8/igny8/projections"

// ReadModels are the module's projections.
func ReadModels() []projections.Projection {
	return []projections.Projection{Plans(), Accounts(), Sites(), Sectors(), TreeProjection()}
}
