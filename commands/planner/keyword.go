package planner

import (
	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func keywordOps() []commands.Op {
	return append(commands.Lifecycle(planner.KeywordKind, es.Editor, es.Admin),
		commands.Create[CreateKeyword](planner.KeywordKind, es.Editor, commands.InSector),
		commands.On[ChangeKeyword](planner.KeywordKind, "change", es.Editor))
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
	return k.Change(d)
}
