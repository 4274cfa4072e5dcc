// Package planner declares what can be asked about keywords and clusters, and
// who may.
package planner

import (
	"slices"

	"github.com/igny8/igny8/commands"
)

// Ops is what can be asked of the module.
func Ops() []commands.Op {
	return slices.Concat(
		keywordOps(),
		clusterOps(),
	)
}
