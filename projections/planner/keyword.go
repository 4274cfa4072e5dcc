package planner

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections/table"
)

// Keywords is the table of keywords.
func Keywords() *table.Table[Keyword] {
	return table.New(table.Spec[Keyword]{
		Name: "planner_keywords", Version: 2, Kind: planner.KeywordKind, Evolve: evolveKeyword,
	})
}

// Keyword is a search phrase that a site wants to rank for. What is null is
// unknown.
type Keyword struct {
	table.Base
	Keyword          string   `db:"keyword" json:"keyword" filter:"eq,in" sort:"true" search:"true"`
	Country          *string  `db:"country" json:"country" filter:"eq,in,isnull"`
	Volume           *int64   `db:"volume" json:"volume" filter:"eq,gte,lte,isnull" sort:"true"`
	VolumeIsBucket   bool     `db:"volume_is_bucket" json:"volume_is_bucket"`
	Difficulty       *int64   `db:"difficulty" json:"difficulty" filter:"eq,gte,lte,isnull" sort:"true"`
	CPC              *int64   `db:"cpc" json:"cpc" filter:"gte,lte,isnull" sort:"scan"`
	Currency         *string  `db:"currency" json:"currency" filter:"eq"`
	Intents          []string `db:"intents" json:"intents" filter:"eq"`
	IntentSource     *string  `db:"intent_source" json:"intent_source" filter:"eq,isnull"`
	IntentConfidence *int64   `db:"intent_confidence" json:"intent_confidence"`
	Trend            []int64  `db:"trend" json:"trend"`
	ParentTopic      *string  `db:"parent_topic" json:"parent_topic" filter:"eq,isnull" search:"true"`
	SerpURLs         []string `db:"serp_urls" json:"serp_urls"`
	ClusterID        *es.ID   `db:"cluster_id" json:"cluster_id" filter:"eq,in,isnull"`
	Status           string   `db:"status" json:"status" filter:"eq,in" sort:"scan"`
	Disabled         bool     `db:"disabled" json:"disabled" filter:"eq"`
}

func evolveKeyword(row *Keyword, e es.Event) {
	switch e := e.(type) {
	case planner.KeywordCreated:
		row.Status = string(planner.KeywordIsNew)
		row.set(e.KeywordDetails)
	case planner.KeywordChanged:
		row.set(e.KeywordDetails)
	case planner.KeywordMapped:
		row.ClusterID, row.Status = &e.ClusterID, string(planner.KeywordIsMapped)
	case planner.KeywordUnmapped:
		row.ClusterID, row.Status = nil, string(planner.KeywordIsNew)
	}
}

func (k *Keyword) set(d planner.KeywordDetails) {
	k.Keyword, k.Country, k.Disabled = d.Text, known(d.Country), d.Disabled
	k.Volume, k.VolumeIsBucket, k.Difficulty = d.Volume, d.VolumeIsBucket, d.Difficulty
	k.CPC, k.Currency, k.ParentTopic = d.CPC, known(d.Currency), known(d.ParentTopic)
	k.IntentSource, k.IntentConfidence = known(string(d.IntentSource)), nil
	if len(d.Intents) > 0 {
		k.IntentConfidence = &d.IntentConfidence
	}
	k.Intents = make([]string, len(d.Intents))
	for i, intent := range d.Intents {
		k.Intents[i] = string(intent)
	}
	k.Trend = append([]int64{}, d.Trend...)
	k.SerpURLs = append([]string{}, d.SerpURLs...)
}

// known is null for an empty text.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
