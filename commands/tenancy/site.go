package tenancy

import (
	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// CreateSite asks to add a site to the account.
type CreateSite struct {
	ID       es.ID  `json:"id,omitzero" doc:"Your own UUIDv7 for it; the same create again changes nothing."`
	Name     string `json:"name" example:"Acme"`
	Slug     string `json:"slug,omitempty" doc:"Unique in the account; made of the name if left out."`
	Domain   string `json:"domain" doc:"The host name alone." example:"acme.example"`
	Industry string `json:"industry" doc:"The slug of an industry." example:"technology-software"`
}

// ClientID is the id that the client chose, or zero.
func (c CreateSite) ClientID() es.ID { return c.ID }

// Decide asks the site.
func (c CreateSite) Decide(env es.Env, s tenancy.Site) ([]es.Event, error) {
	return s.Create(env, tenancy.SiteDetails{Name: c.Name, Slug: c.Slug, Domain: c.Domain, Industry: c.Industry, IsActive: true})
}

// ChangeSite asks for other details of a site; what is left out stays.
type ChangeSite struct {
	Name     commands.Optional[string] `json:"name,omitzero" nullable:"false"`
	Slug     commands.Optional[string] `json:"slug,omitzero" nullable:"false"`
	Domain   commands.Optional[string] `json:"domain,omitzero" nullable:"false"`
	Industry commands.Optional[string] `json:"industry,omitzero" nullable:"false"`
	IsActive commands.Optional[bool]   `json:"is_active,omitzero" nullable:"false"`
}

// Decide asks the site.
func (c ChangeSite) Decide(_ es.Env, s tenancy.Site) ([]es.Event, error) {
	d := s.SiteDetails
	d.Name, d.Slug = c.Name.Or(d.Name), c.Slug.Or(d.Slug)
	d.Domain, d.Industry = c.Domain.Or(d.Domain), c.Industry.Or(d.Industry)
	d.IsActive = c.IsActive.Or(d.IsActive)
	return s.Change(d)
}
