package planner

import (
	"reflect"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// KeywordKind is the kind of keywords.
var KeywordKind = es.Kind[Keyword]{
	Name: "planner.keyword", Evolve: evolveKeyword,
	Events: es.Events(KeywordCreated{}, KeywordChanged{}, KeywordMapped{}, KeywordUnmapped{}).WithLifecycle(),
	Holds: func(k Keyword) es.Held {
		return es.Held{
			Unique: []es.Unique{KeywordClaim(k.Tenant, k.KeywordDetails)},
			Counts: []es.Count{{Resource: "keywords", N: 1}},
		}
	},
}

// KeywordClaim is what only one live keyword of a sector may hold: its text in
// its country, whatever its case and spaces. Details must be in their stored
// form.
func KeywordClaim(t es.Tenant, d KeywordDetails) es.Unique {
	return es.Unique{
		Scope: "planner.keyword/" + t.Site.String() + "/" + t.Sector.String() + "/" + d.Country,
		Key:   text.Fold(d.Text), Field: "keyword",
	}
}

// KeywordCreated says a sector has one more keyword.
type KeywordCreated struct{ KeywordDetails }

// EventType is the stored name.
func (KeywordCreated) EventType() string { return "planner.keyword.created.v1" }

// KeywordChanged says what is known of a keyword from now on.
type KeywordChanged struct{ KeywordDetails }

// EventType is the stored name.
func (KeywordChanged) EventType() string { return "planner.keyword.changed.v1" }

// KeywordMapped says a keyword is in a cluster from now on, and in no other.
type KeywordMapped struct {
	ClusterID es.ID `json:"cluster_id"`
	// From is the cluster that it was in before; zero: none.
	From es.ID `json:"from_cluster_id,omitzero"`
}

// EventType is the stored name.
func (KeywordMapped) EventType() string { return "planner.keyword.mapped.v1" }

// KeywordUnmapped says a keyword is in no cluster any more.
type KeywordUnmapped struct {
	ClusterID es.ID `json:"cluster_id"` // that it was in
}

// EventType is the stored name.
func (KeywordUnmapped) EventType() string { return "planner.keyword.unmapped.v1" }

// KeywordDetails is what is known of a keyword. What is nil is unknown, which
// is never the same as 0.
type KeywordDetails struct {
	// Text is the phrase as people typed it. Together with Country it is unique
	// among the sector's live keywords, whatever its case and spaces.
	Text    string `json:"keyword"`
	Country string `json:"country,omitempty"` // ISO 3166-1 alpha-2; empty: any
	// Volume is the searches a month; VolumeIsBucket says that the source
	// rounds it to a few steps, as ad planners do.
	Volume         *int64 `json:"volume,omitempty"`
	VolumeIsBucket bool   `json:"volume_is_bucket,omitempty"`
	// Difficulty is how hard it is to rank for, 0 to 100.
	Difficulty *int64 `json:"difficulty,omitempty"`
	// CPC is what advertisers pay for a click, in minor units of Currency.
	CPC      *int64   `json:"cpc,omitempty"`
	Currency string   `json:"currency,omitempty"` // ISO 4217; empty without CPC
	Intents  []Intent `json:"intents,omitempty"`
	// IntentSource says who found the intents, and IntentConfidence how sure
	// that is, in percent; both are empty without intents.
	IntentSource     IntentSource `json:"intent_source,omitempty"`
	IntentConfidence int64        `json:"intent_confidence,omitempty"`
	// Trend is the interest month by month, the newest last, as the source
	// gives it; at most 24 numbers.
	Trend       []int64  `json:"trend,omitempty"`
	ParentTopic string   `json:"parent_topic,omitempty"`
	SerpURLs    []string `json:"serp_urls,omitempty"` // who ranks now, the first one first
	// Disabled keywords are left out of planning.
	Disabled bool `json:"disabled,omitempty"`
}

// KeywordStatus says how far a keyword has come.
type KeywordStatus string

// The statuses, in order.
const (
	KeywordIsNew    KeywordStatus = "new"
	KeywordIsMapped KeywordStatus = "mapped" // it is in a cluster
	KeywordIsUsed   KeywordStatus = "used"   // contents target it
)

// Keyword is a search phrase that a site wants to rank for.
type Keyword struct {
	es.Entity
	KeywordDetails
	Status  KeywordStatus
	Cluster es.ID // zero: none
}

// Create decides to add a keyword to a sector.
func (k Keyword) Create(d KeywordDetails) ([]es.Event, error) {
	d, err := d.Checked()
	if err != nil {
		return nil, err
	}
	return []es.Event{KeywordCreated{d}}, nil
}

// Change decides what is known of the keyword; the same again records nothing.
func (k Keyword) Change(d KeywordDetails) ([]es.Event, error) {
	d, err := d.Checked()
	if err != nil || reflect.DeepEqual(d, k.KeywordDetails) {
		return nil, err
	}
	return []es.Event{KeywordChanged{d}}, nil
}

// Merge decides to add to what is known of the keyword what d knows besides:
// nothing that is known already is replaced, but intents that outweigh those of
// before. The same again records nothing.
func (k Keyword) Merge(d KeywordDetails) ([]es.Event, error) {
	known := k.KeywordDetails
	return k.Change(known.With(d))
}

// Map decides to put the keyword into a live cluster of its own sector. Mapping
// it to the cluster that it is in records nothing.
func (k Keyword) Map(c Cluster) ([]es.Event, error) {
	if !c.Live() || c.Tenant != k.Tenant {
		return nil, es.Field("cluster_id", "There is no such cluster in the keyword's sector.")
	}
	if k.Cluster == c.ID {
		return nil, nil
	}
	return []es.Event{KeywordMapped{ClusterID: c.ID, From: k.Cluster}}, nil
}

// Unmap decides to take the keyword out of its cluster, if it is that one; a
// zero cluster means whichever.
func (k Keyword) Unmap(cluster es.ID) []es.Event {
	if k.Cluster == (es.ID{}) || cluster != (es.ID{}) && cluster != k.Cluster {
		return nil
	}
	return []es.Event{KeywordUnmapped{ClusterID: k.Cluster}}
}

func evolveKeyword(k *Keyword, e es.Event) {
	switch e := e.(type) {
	case KeywordCreated:
		k.KeywordDetails, k.Status = e.KeywordDetails, KeywordIsNew
	case KeywordChanged:
		k.KeywordDetails = e.KeywordDetails
	case KeywordMapped:
		k.Cluster, k.Status = e.ClusterID, KeywordIsMapped
	case KeywordUnmapped:
		k.Cluster, k.Status = es.ID{}, KeywordIsNew
	}
}
