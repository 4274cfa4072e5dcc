// Package planner shows keywords and clusters.
package planner

import "github.com/igny8/igny8/projections"

// ReadModels are the module's projections.
func ReadModels() []projections.Projection {
	return []projections.Projection{
		Keywords(),
		Clusters(),
	}
}
