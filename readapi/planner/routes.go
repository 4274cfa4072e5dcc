// Package planner serves keywords and clusters.
package planner

import (
	commands "github.com/igny8/igny8/commands/planner"
	domain "github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections/planner"
	"github.com/igny8/igny8/readapi"
)

// Mount serves the module's routes.
func Mount(api *readapi.API, jobs Jobs) {
	jobs.mount(api)
	readapi.Resource(api, readapi.ResourceSpec[planner.Keyword]{
		Path: "planner/keywords", Kind: domain.KeywordKind.Name, Table: planner.Keywords(),
	}, readapi.CreateWith[commands.CreateKeyword](), readapi.ChangeWith[commands.ChangeKeyword](), readapi.Lifecycle())
	readapi.Resource(api, readapi.ResourceSpec[planner.Cluster]{
		Path: "planner/clusters", Kind: domain.ClusterKind.Name, Table: planner.Clusters(),
	}, readapi.CreateWith[commands.CreateCluster](), readapi.ChangeWith[commands.ChangeCluster](), readapi.Lifecycle())
}
