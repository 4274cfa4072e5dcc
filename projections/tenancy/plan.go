package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections/table"
)

// Plans is the table of plans, all of them in es.PlatformAccount.
func Plans() *table.Table[Plan] {
	return table.New(table.Spec[Plan]{
		Name: "tenancy_plans", Version: 1, Kind: tenancy.PlanKind, Evolve: evolvePlan,
	})
}

// Plan is what an account may use, and for how much: Price is for a month, in
// minor units of Currency.
type Plan struct {
	table.Base
	Slug              string `db:"slug" json:"slug" filter:"eq,in"`
	Name              string `db:"name" json:"name" sort:"scan"`
	Price             int64  `db:"price" json:"price" sort:"scan"`
	Currency          string `db:"currency" json:"currency"`
	IncludedCredits   int64  `db:"included_credits" json:"included_credits"`
	MaxSites          int64  `db:"max_sites" json:"max_sites"`
	MaxUsers          int64  `db:"max_users" json:"max_users"`
	MaxKeywords       int64  `db:"max_keywords" json:"max_keywords" sort:"scan"`
	MaxSectorsPerSite int64  `db:"max_sectors_per_site" json:"max_sectors_per_site"`
	IsActive          bool   `db:"is_active" json:"is_active" filter:"eq"`
	IsInternal        bool   `db:"is_internal" json:"is_internal" filter:"eq"`
}

func evolvePlan(row *Plan, e es.Event) {
	switch e := e.(type) {
	case tenancy.PlanCreated:
		row.Slug = e.Slug
		row.set(e.PlanTerms)
	case tenancy.PlanChanged:
		row.set(e.PlanTerms)
	}
}

func (p *Plan) set(t tenancy.PlanTerms) {
	p.Name, p.Price, p.Currency, p.IncludedCredits = t.Name, t.Price, t.Currency, t.IncludedCredits
	p.MaxSites, p.MaxUsers, p.MaxKeywords, p.MaxSectorsPerSite = t.MaxSites, t.MaxUsers, t.MaxKeywords, tenancy.MaxSectors
	p.IsActive, p.IsInternal = t.IsActive, t.IsInternal
}
