package planner

import (
	"reflect"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// KeywordKind is the kind of keywords.
var KeywordKind = es.Kind[Keyword]{
	Name: "planner.keyword", Evolve: evolveKeyword,
	Events: es.Events(KeywordCreated{}, KeywordChanged{}).WithLifecycle(),
	Holds: func(k Keyword) es.Held {
		return es.Held{
			Unique: []es.Unique{{
				Scope: "planner.keyword/" + k.Tenant.Site.String() + "/" + k.Tenant.Sector.String() + "/" + k.Country,
				Key:   text.Fold(k.Text), Field: "keyword",
			}},
			Counts: []es.Count{{Resource: "keywords", N: 1}},
		}
	},
}

// KeywordCreated says a sector has one more keyword.
type KeywordCreated struct{ KeywordDetails }

// EventType is the stored name.
func (KeywordCreated) EventType() string { return "planner.keyword.created.v1" }

// KeywordChanged says what is known of a keyword from now on.
type KeywordChanged struct{ KeywordDetails }

// EventType is the stored name.
func (KeywordChanged) EventType() string { return "planner.keyword.changed.v1" }

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
	KeywordNew    KeywordStatus = "new"
	KeywordMapped KeywordStatus = "mapped" // it is in a cluster
	KeywordUsed   KeywordStatus = "used"   // contents target it
)

// Keyword is a search phrase that a site wants to rank for.
type Keyword struct {
	es.Entity
	KeywordDetails
	Status KeywordStatus
}

// Create decides to add a keyword to a sector.
func (k Keyword) Create(d KeywordDetails) ([]es.Event, error) {
	d, err := d.checked()
	if err != nil {
		return nil, err
	}
	return []es.Event{KeywordCreated{d}}, nil
}

// Change decides what is known of the keyword; the same again records nothing.
func (k Keyword) Change(d KeywordDetails) ([]es.Event, error) {
	d, err := d.checked()
	if err != nil || reflect.DeepEqual(d, k.KeywordDetails) {
		return nil, err
	}
	return []es.Event{KeywordChanged{d}}, nil
}

func evolveKeyword(k *Keyword, e es.Event) {
	switch e := e.(type) {
	case KeywordCreated:
		k.KeywordDetails, k.Status = e.KeywordDetails, KeywordNew
	case KeywordChanged:
		k.KeywordDetails = e.KeywordDetails
	}
}
