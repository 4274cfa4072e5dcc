package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections/table"
)

// Sites is the table of sites.
func Sites() *table.Table[Site] {
	return table.New(table.Spec[Site]{
		Name: "tenancy_sites", Version: 1, Kind: tenancy.SiteKind, Evolve: evolveSite,
	})
}

// Site is a website that an account plans and writes for.
type Site struct {
	table.Base
	Name     string `db:"name" json:"name" filter:"eq" sort:"scan" search:"true"`
	Slug     string `db:"slug" json:"slug" filter:"eq,in" sort:"scan"`
	Domain   string `db:"domain" json:"domain" filter:"eq,in" sort:"scan" search:"true"`
	Industry string `db:"industry" json:"industry" filter:"eq,in"`
	IsActive bool   `db:"is_active" json:"is_active" filter:"eq"`
}

func evolveSite(row *Site, e es.Event) {
	switch e := e.(type) {
	case tenancy.SiteCreated:
		row.set(e.SiteDetails)
	case tenancy.SiteChanged:
		row.set(e.SiteDetails)
	}
}

func (s *Site) set(d tenancy.SiteDetails) {
	s.Name, s.Slug, s.Domain, s.Industry, s.IsActive = d.Name, d.Slug, d.Domain, d.Industry, d.IsActive
}
