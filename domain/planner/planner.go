// Package planner decides about what a site wants to rank for: keywords and the
// clusters they form.
package planner

import "github.com/igny8/igny8/domain/es"

// Kinds are the module's kinds of aggregates.
func Kinds() []es.AnyKind {
	return []es.AnyKind{
		KeywordKind,
		ClusterKind,
	}
}
