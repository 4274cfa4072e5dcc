package planner

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections/table"
)

// Clusters is the table of clusters.
func Clusters() *table.Table[Cluster] {
	return table.New(table.Spec[Cluster]{
		Name: "planner_clusters", Version: 1, Kind: planner.ClusterKind, Evolve: evolveCluster,
	})
}

// Cluster is a topic: keywords that one page, or a few linked ones, can answer.
type Cluster struct {
	table.Base
	Name        string `db:"name" json:"name" filter:"eq,in" sort:"true" search:"true"`
	Description string `db:"description" json:"description" search:"true"`
}

func evolveCluster(row *Cluster, e es.Event) {
	switch e := e.(type) {
	case planner.ClusterCreated:
		row.Name, row.Description = e.Name, e.Description
	case planner.ClusterChanged:
		row.Name, row.Description = e.Name, e.Description
	}
}
