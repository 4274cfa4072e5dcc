package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// SiteKind is the kind of sites. A site's id is also the site of its envelope.
var SiteKind = es.Kind[Site]{
	Name: "tenancy.site", Evolve: evolveSite,
	Events: es.Events(SiteCreated{}, SiteChanged{}).WithLifecycle(),
	Holds: func(s Site) es.Held {
		return es.Held{
			Unique: []es.Unique{{Scope: "tenancy.site.slug", Key: s.Slug, Field: "slug"}},
			Counts: []es.Count{{Resource: Sites, N: 1}},
		}
	},
}

// SiteCreated says an account has one more site.
type SiteCreated struct{ SiteDetails }

// EventType is the stored name.
func (SiteCreated) EventType() string { return "tenancy.site.created.v1" }

// SiteChanged says what a site is like from now on.
type SiteChanged struct{ SiteDetails }

// EventType is the stored name.
func (SiteChanged) EventType() string { return "tenancy.site.changed.v1" }

// SiteDetails is what a site is like.
type SiteDetails struct {
	Name string `json:"name"`
	// Slug is unique among the account's live sites.
	Slug string `json:"slug"`
	// Domain is a host name in its ASCII form: "xn--mnchen-3ya.de".
	Domain   string `json:"domain"`
	Industry string `json:"industry"` // an industry's slug
	IsActive bool   `json:"is_active"`
}

// Site is a website that an account plans and writes for.
type Site struct {
	es.Entity
	SiteDetails
}

// Create decides to add a site. An empty slug is derived from the name.
func (s Site) Create(env es.Env, d SiteDetails) ([]es.Event, error) {
	faults := es.Faults{}
	d.Slug = checkedSlug(faults, d.Slug, text.Line(d.Name), "site", env.Tenant.Site)
	d = d.checked(faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{SiteCreated{d}}, nil
}

// Change decides what the site is like; the same again records nothing.
func (s Site) Change(d SiteDetails) ([]es.Event, error) {
	faults := es.Faults{}
	d.Slug = checkedSlug(faults, d.Slug, text.Line(d.Name), "site", s.ID)
	d = d.checked(faults)
	if err := faults.Err(); err != nil || d == s.SiteDetails {
		return nil, err
	}
	return []es.Event{SiteChanged{d}}, nil
}

func (d SiteDetails) checked(faults es.Faults) SiteDetails {
	d.Name = text.Field(faults, "name", d.Name, 1, 100)
	d.Domain = checkedDomain(faults, "domain", d.Domain)
	if _, known := IndustryBySlug(d.Industry); !known {
		faults.Add("industry", "There is no industry with this slug; auth/industries/ lists them.")
	}
	return d
}

func evolveSite(s *Site, e es.Event) {
	switch e := e.(type) {
	case SiteCreated:
		s.SiteDetails = e.SiteDetails
	case SiteChanged:
		s.SiteDetails = e.SiteDetails
	}
}
