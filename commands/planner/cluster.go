package planner

import (
	"context"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func clusterOps() []commands.Op {
	return append(commands.Lifecycle(planner.ClusterKind, es.Editor, es.Admin),
		commands.Create[CreateCluster](planner.ClusterKind, es.Editor, commands.InSector),
		commands.On[ChangeCluster](planner.ClusterKind, "change", es.Editor),
		commands.On[ReleasePrimary](planner.ClusterKind, "release_primary", es.Editor))
}

// CreateCluster asks to add a cluster to a sector.
type CreateCluster struct {
	ID          es.ID               `json:"id,omitzero" doc:"Your own UUIDv7 for it; the same create again changes nothing."`
	SiteID      es.ID               `json:"site_id"`
	SectorID    es.ID               `json:"sector_id"`
	Name        string              `json:"name" doc:"Unique in the sector, whatever its case." example:"CRM comparisons"`
	Description string              `json:"description,omitempty"`
	Role        planner.ClusterRole `json:"role,omitempty" doc:"hub or supporting, which it is if left out."`

	// Primary is the keyword that is about to be its first member.
	Primary es.ID `json:"-"`
}

// Place is the sector that the cluster is for.
func (c CreateCluster) Place() (site, sector es.ID) { return c.SiteID, c.SectorID }

// ClientID is the id that the client chose, or zero.
func (c CreateCluster) ClientID() es.ID { return c.ID }

// Decide asks the cluster.
func (c CreateCluster) Decide(_ es.Env, s planner.Cluster) ([]es.Event, error) {
	return s.Create(planner.ClusterDetails{Name: c.Name, Description: c.Description, Role: c.Role, Primary: c.Primary})
}

// ChangeCluster asks for other details of a cluster; what is left out stays.
type ChangeCluster struct {
	Name             commands.Optional[string]              `json:"name,omitzero" nullable:"false"`
	Description      commands.Optional[string]              `json:"description,omitzero"`
	Role             commands.Optional[planner.ClusterRole] `json:"role,omitzero" nullable:"false" doc:"hub or supporting."`
	PrimaryKeywordID commands.Optional[es.ID]               `json:"primary_keyword_id,omitzero" doc:"The member that the cluster's page targets."`

	primary planner.Keyword // that PrimaryKeywordID names
}

// Prepare looks the primary keyword up.
func (c ChangeCluster) Prepare(ctx context.Context, b *commands.Bus, r commands.Request) (_ any, err error) {
	if c.PrimaryKeywordID.Value != (es.ID{}) {
		c.primary, err = commands.Load(ctx, b, planner.KeywordKind, r.Tenant.Account, c.PrimaryKeywordID.Value)
	}
	return c, err
}

// Decide asks the cluster.
func (c ChangeCluster) Decide(_ es.Env, s planner.Cluster) ([]es.Event, error) {
	d := s.ClusterDetails
	d.Name, d.Description, d.Role = c.Name.Or(d.Name), c.Description.OrZero(d.Description), c.Role.Or(d.Role)
	if c.PrimaryKeywordID.Set && c.PrimaryKeywordID.Value != d.Primary {
		d.Primary = c.PrimaryKeywordID.Value
		if d.Primary != (es.ID{}) && (!c.primary.Live() || c.primary.Cluster != s.ID) {
			return nil, es.Field("primary_keyword_id", "The primary keyword is one of the cluster's own.")
		}
	}
	return s.Change(d)
}

// ReleasePrimary asks to have no primary keyword any more, if it is that one: it
// left the cluster.
type ReleasePrimary struct{ KeywordID es.ID }

// Decide asks the cluster.
func (c ReleasePrimary) Decide(_ es.Env, s planner.Cluster) ([]es.Event, error) {
	return s.ReleasePrimary(c.KeywordID)
}
