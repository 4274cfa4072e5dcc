package planner

import (
	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func clusterOps() []commands.Op {
	return append(commands.Lifecycle(planner.ClusterKind, es.Editor, es.Admin),
		commands.Create[CreateCluster](planner.ClusterKind, es.Editor, commands.InSector),
		commands.On[ChangeCluster](planner.ClusterKind, "change", es.Editor))
}

// CreateCluster asks to add a cluster to a sector.
type CreateCluster struct {
	ID          es.ID  `json:"id,omitzero" doc:"Your own UUIDv7 for it; the same create again changes nothing."`
	SiteID      es.ID  `json:"site_id"`
	SectorID    es.ID  `json:"sector_id"`
	Name        string `json:"name" doc:"Unique in the sector, whatever its case." example:"CRM comparisons"`
	Description string `json:"description,omitempty"`
}

// Place is the sector that the cluster is for.
func (c CreateCluster) Place() (site, sector es.ID) { return c.SiteID, c.SectorID }

// ClientID is the id that the client chose, or zero.
func (c CreateCluster) ClientID() es.ID { return c.ID }

// Decide asks the cluster.
func (c CreateCluster) Decide(_ es.Env, s planner.Cluster) ([]es.Event, error) {
	return s.Create(planner.ClusterDetails{Name: c.Name, Description: c.Description})
}

// ChangeCluster asks for other details of a cluster; what is left out stays.
type ChangeCluster struct {
	Name        commands.Optional[string] `json:"name,omitzero" nullable:"false"`
	Description commands.Optional[string] `json:"description,omitzero"`
}

// Decide asks the cluster.
func (c ChangeCluster) Decide(_ es.Env, s planner.Cluster) ([]es.Event, error) {
	return s.Change(planner.ClusterDetails{Name: c.Name.Or(s.Name), Description: c.Description.OrZero(s.Description)})
}
