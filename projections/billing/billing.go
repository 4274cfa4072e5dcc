// Package billing shows accounts' ledgers and every entry of them, what was used
// for which operation, and what operations cost; and finds what is due.
package billing

import "github.com/igny8/igny8/projections"

// ReadModels are the module's projections.
func ReadModels() []projections.Projection {
	return []projections.Projection{Ledgers(), Transactions(), UsageProjection(), Costs()}
}
