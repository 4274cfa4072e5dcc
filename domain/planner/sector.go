package planner

import "github.com/igny8/igny8/domain/es"

// SectorKeyword is one of a sector's live keywords, as those see it who work on
// all of them.
type SectorKeyword struct {
	ID        es.ID
	Cluster   es.ID // zero: none
	Text      string
	Volume    int64 // 0 where it is unknown
	HasIntent bool
	Disabled  bool
}
