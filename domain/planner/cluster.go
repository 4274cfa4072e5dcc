package planner

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// ClusterKind is the kind of clusters.
var ClusterKind = es.Kind[Cluster]{
	Name: "planner.cluster", Evolve: evolveCluster,
	Events: es.Events(ClusterCreated{}, ClusterChanged{}).WithLifecycle(),
	Holds: func(c Cluster) es.Held {
		return es.Held{Unique: []es.Unique{{
			Scope: "planner.cluster/" + c.Tenant.Site.String() + "/" + c.Tenant.Sector.String(),
			Key:   text.Fold(c.Name), Field: "name",
		}}}
	},
}

// ClusterCreated says a sector has one more cluster.
type ClusterCreated struct{ ClusterDetails }

// EventType is the stored name.
func (ClusterCreated) EventType() string { return "planner.cluster.created.v1" }

// ClusterChanged says what a cluster is like from now on.
type ClusterChanged struct{ ClusterDetails }

// EventType is the stored name.
func (ClusterChanged) EventType() string { return "planner.cluster.changed.v1" }

// ClusterDetails is what a cluster is like.
type ClusterDetails struct {
	// Name is unique among the sector's live clusters, whatever its case.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Cluster is a topic: keywords that one page, or a few linked ones, can answer.
type Cluster struct {
	es.Entity
	ClusterDetails
}

// Create decides to add a cluster to a sector.
func (c Cluster) Create(d ClusterDetails) ([]es.Event, error) {
	d, err := d.checked()
	if err != nil {
		return nil, err
	}
	return []es.Event{ClusterCreated{d}}, nil
}

// Change decides what the cluster is like; the same again records nothing.
func (c Cluster) Change(d ClusterDetails) ([]es.Event, error) {
	d, err := d.checked()
	if err != nil || d == c.ClusterDetails {
		return nil, err
	}
	return []es.Event{ClusterChanged{d}}, nil
}

func (d ClusterDetails) checked() (ClusterDetails, error) {
	faults := es.Faults{}
	d.Name = text.Field(faults, "name", d.Name, 1, 200)
	d.Description = text.Paragraphs(faults, "description", d.Description, 2000)
	return d, faults.Err()
}

func evolveCluster(c *Cluster, e es.Event) {
	switch e := e.(type) {
	case ClusterCreated:
		c.ClusterDetails = e.ClusterDetails
	case ClusterChanged:
		c.ClusterDetails = e.ClusterDetails
	}
}
