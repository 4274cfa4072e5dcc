package planner

import (
	"context"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func keywordOps() []commands.Op {
	return append(commands.Lifecycle(planner.KeywordKind, es.Editor, es.Admin),
		commands.Create[CreateKeyword](planner.KeywordKind, es.Editor, commands.InSector),
		commands.On[ChangeKeyword](planner.KeywordKind, "change", es.Editor),
		commands.On[MergeKeyword](planner.KeywordKind, "merge", es.Editor),
		commands.On[MapKeyword](planner.KeywordKind, "map", es.Editor),
		commands.On[UnmapKeyword](planner.KeywordKind, "unmap", es.Editor))
}

// CreateKeyword asks to add a keyword to a sector. What is left out is unknown.
type CreateKeyword struct {
	ID             es.ID            `json:"id,omitzero" doc:"Your own UUIDv7 for it; the same create again changes nothing."`
	SiteID         es.ID            `json:"site_id"`
	SectorID       es.ID            `json:"sector_id"`
	Keyword        string           `json:"keyword" doc:"The phrase, at most 255 characters. Unique in the sector and country, whatever its case and spaces." example:"best crm software"`
	Country        string           `json:"country,omitempty" doc:"ISO 3166-1 alpha-2; empty is any country." example:"US"`
	Volume         *int64           `json:"volume,omitempty" doc:"Searches a month."`
	VolumeIsBucket bool             `json:"volume_is_bucket,omitempty" doc:"The source rounds the volume to a few steps."`
	Difficulty     *int64           `json:"difficulty,omitempty" doc:"0 to 100."`
	CPC            *int64           `json:"cpc,omitempty" doc:"Cost per click in minor units of currency."`
	Currency       string           `json:"currency,omitempty" doc:"ISO 4217; USD if left out."`
	Intents        []planner.Intent `json:"intents,omitempty" doc:"informational, navigational, commercial, transactional."`
	Trend          []int64          `json:"trend,omitempty" doc:"Interest by month, the newest last; at most 24."`
	ParentTopic    string           `json:"parent_topic,omitempty"`
	SerpURLs       []string         `json:"serp_urls,omitempty" doc:"Who ranks now, the first one first; at most 20."`

	// IntentSource and IntentConfidence say who found the intents; a person, if
	// they are empty.
	IntentSource     planner.IntentSource `json:"-"`
	IntentConfidence int64                `json:"-"`
}

// create asks for the keyword that the details describe.
func create(t es.Tenant, d planner.KeywordDetails) CreateKeyword {
	return CreateKeyword{
		SiteID: t.Site, SectorID: t.Sector, Keyword: d.Text, Country: d.Country, Volume: d.Volume, VolumeIsBucket: d.VolumeIsBucket,
		Difficulty: d.Difficulty, CPC: d.CPC, Currency: d.Currency, Intents: d.Intents, Trend: d.Trend,
		ParentTopic: d.ParentTopic, SerpURLs: d.SerpURLs, IntentSource: d.IntentSource, IntentConfidence: d.IntentConfidence,
	}
}

// Place is the sector that the keyword is for.
func (c CreateKeyword) Place() (site, sector es.ID) { return c.SiteID, c.SectorID }

// ClientID is the id that the client chose, or zero.
func (c CreateKeyword) ClientID() es.ID { return c.ID }

// Decide asks the keyword.
func (c CreateKeyword) Decide(_ es.Env, k planner.Keyword) ([]es.Event, error) {
	return k.Create(planner.KeywordDetails{
		Text: c.Keyword, Country: c.Country, Volume: c.Volume, VolumeIsBucket: c.VolumeIsBucket,
		Difficulty: c.Difficulty, CPC: c.CPC, Currency: c.Currency, Intents: c.Intents,
		Trend: c.Trend, ParentTopic: c.ParentTopic, SerpURLs: c.SerpURLs,
		IntentSource: c.IntentSource, IntentConfidence: c.IntentConfidence,
	})
}

// ChangeKeyword asks to correct what is known of a keyword. What is left out
// stays; null makes it unknown.
type ChangeKeyword struct {
	Keyword        commands.Optional[string]           `json:"keyword,omitzero" nullable:"false"`
	Country        commands.Optional[string]           `json:"country,omitzero"`
	Volume         commands.Optional[int64]            `json:"volume,omitzero"`
	VolumeIsBucket commands.Optional[bool]             `json:"volume_is_bucket,omitzero" nullable:"false"`
	Difficulty     commands.Optional[int64]            `json:"difficulty,omitzero"`
	CPC            commands.Optional[int64]            `json:"cpc,omitzero"`
	Currency       commands.Optional[string]           `json:"currency,omitzero"`
	Intents        commands.Optional[[]planner.Intent] `json:"intents,omitzero"`
	Trend          commands.Optional[[]int64]          `json:"trend,omitzero"`
	ParentTopic    commands.Optional[string]           `json:"parent_topic,omitzero"`
	SerpURLs       commands.Optional[[]string]         `json:"serp_urls,omitzero"`
	Disabled       commands.Optional[bool]             `json:"disabled,omitzero" nullable:"false"`
	ClusterID      commands.Optional[es.ID]            `json:"cluster_id,omitzero" doc:"A cluster of the keyword's sector; null takes it out of the one it is in."`

	cluster planner.Cluster // that ClusterID names
}

// Prepare looks the cluster up.
func (c ChangeKeyword) Prepare(ctx context.Context, b *commands.Bus, r commands.Request) (_ any, err error) {
	if c.ClusterID.Value != (es.ID{}) {
		c.cluster, err = commands.LoadRecent(ctx, b, planner.ClusterKind, r.Tenant.Account, c.ClusterID.Value)
	}
	return c, err
}

// Decide asks the keyword.
func (c ChangeKeyword) Decide(_ es.Env, k planner.Keyword) ([]es.Event, error) {
	d := k.KeywordDetails
	d.Text = c.Keyword.Or(d.Text)
	d.Country = c.Country.OrZero(d.Country)
	d.Volume = c.Volume.Pointer(d.Volume)
	d.VolumeIsBucket = c.VolumeIsBucket.Or(d.VolumeIsBucket)
	d.Difficulty = c.Difficulty.Pointer(d.Difficulty)
	d.CPC = c.CPC.Pointer(d.CPC)
	d.Currency = c.Currency.OrZero(d.Currency)
	d.Trend = c.Trend.OrZero(d.Trend)
	d.ParentTopic = c.ParentTopic.OrZero(d.ParentTopic)
	d.SerpURLs = c.SerpURLs.OrZero(d.SerpURLs)
	d.Disabled = c.Disabled.Or(d.Disabled)
	if c.Intents.Set {
		d.Intents, d.IntentSource, d.IntentConfidence = c.Intents.Value, planner.IntentByPerson, 100
	}
	events, err := k.Change(d)
	if err != nil || !c.ClusterID.Set {
		return events, err
	}
	if c.ClusterID.Value == (es.ID{}) {
		return append(events, k.Unmap(es.ID{})...), nil
	}
	mapped, err := k.Map(c.cluster)
	return append(events, mapped...), err
}

// MergeKeyword asks to add what is known besides, as an import does of a keyword
// that is there already.
type MergeKeyword struct{ planner.KeywordDetails }

// Decide asks the keyword.
func (c MergeKeyword) Decide(_ es.Env, k planner.Keyword) ([]es.Event, error) {
	return k.Merge(c.KeywordDetails)
}

// MapKeyword asks to put a keyword into a cluster, with the intents that were
// found along with it where none is known.
type MapKeyword struct {
	ClusterID        es.ID
	Intents          []planner.Intent
	IntentConfidence int64

	cluster planner.Cluster
}

// Prepare looks the cluster up.
func (c MapKeyword) Prepare(ctx context.Context, b *commands.Bus, r commands.Request) (_ any, err error) {
	c.cluster, err = commands.LoadRecent(ctx, b, planner.ClusterKind, r.Tenant.Account, c.ClusterID)
	return c, err
}

// Decide asks the keyword.
func (c MapKeyword) Decide(_ es.Env, k planner.Keyword) ([]es.Event, error) {
	mapped, err := k.Map(c.cluster)
	if err != nil || len(c.Intents) == 0 {
		return mapped, err
	}
	found, err := k.Merge(planner.KeywordDetails{
		Intents: c.Intents, IntentSource: planner.IntentByRules, IntentConfidence: c.IntentConfidence,
	})
	return append(mapped, found...), err
}

// UnmapKeyword asks to take a keyword out of a cluster, if it is in that one.
type UnmapKeyword struct{ ClusterID es.ID }

// Decide asks the keyword.
func (c UnmapKeyword) Decide(_ es.Env, k planner.Keyword) ([]es.Event, error) {
	return k.Unmap(c.ClusterID), nil
}
