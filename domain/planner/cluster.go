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

// ClusterRole says what a cluster's page is among those of its topic.
type ClusterRole string

// The roles.
const (
	Hub        ClusterRole = "hub"        // the page that the others link to
	Supporting ClusterRole = "supporting" // one of those
)

// ClusterStatus says how far a cluster has come.
type ClusterStatus string

// The statuses, in order.
const (
	ClusterIsNew    ClusterStatus = "new"
	ClusterIsMapped ClusterStatus = "mapped" // contents target it
)

// ClusterDetails is what a cluster is like.
type ClusterDetails struct {
	// Name is unique among the sector's live clusters, whatever its case.
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Role        ClusterRole `json:"role,omitempty"` // empty, in early events: supporting
	// Primary is the member that its page targets; zero: none was chosen.
	Primary es.ID `json:"primary_keyword_id,omitzero"`
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

// ReleasePrimary decides that a keyword which is no member any more is not the
// primary one either.
func (c Cluster) ReleasePrimary(keyword es.ID) ([]es.Event, error) {
	if c.Primary != keyword {
		return nil, nil
	}
	d := c.ClusterDetails
	d.Primary = es.ID{}
	return c.Change(d)
}

func (d ClusterDetails) checked() (ClusterDetails, error) {
	faults := es.Faults{}
	d.Name = text.Field(faults, "name", d.Name, 1, 200)
	d.Description = text.Paragraphs(faults, "description", d.Description, 2000)
	switch d.Role {
	case "":
		d.Role = Supporting
	case Hub, Supporting:
	default:
		faults.Add("role", "A role is hub or supporting.")
	}
	return d, faults.Err()
}

func evolveCluster(c *Cluster, e es.Event) {
	switch e := e.(type) {
	case ClusterCreated:
		c.ClusterDetails = e.ClusterDetails
	case ClusterChanged:
		c.ClusterDetails = e.ClusterDetails
	}
	if c.Role == "" {
		c.Role = Supporting
	}
}
