package tenancy

import (
	"reflect"
	"regexp"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// PlanKind is the kind of plans, all of them in es.PlatformAccount.
var PlanKind = es.Kind[Plan]{
	Name: "tenancy.plan", Evolve: evolvePlan,
	Events: es.Events(PlanCreated{}, PlanChanged{}),
	Holds: func(p Plan) es.Held {
		return es.Held{Unique: []es.Unique{{Scope: "tenancy.plan.slug", Key: p.Slug, Field: "slug"}}}
	},
}

// PlanCreated says a plan came to be.
type PlanCreated struct {
	Slug string `json:"slug"`
	PlanTerms
}

// EventType is the stored name.
func (PlanCreated) EventType() string { return "tenancy.plan.created.v1" }

// PlanChanged says a plan has other terms from now on, also for the accounts
// that are on it. Nothing that they have above a new limit is taken away.
type PlanChanged struct{ PlanTerms }

// EventType is the stored name.
func (PlanChanged) EventType() string { return "tenancy.plan.changed.v1" }

// PlanTerms is what a plan costs and allows.
type PlanTerms struct {
	Name string `json:"name"`
	// Price is for a month, in minor units of Currency.
	Price           int64  `json:"price"`
	Currency        string `json:"currency"` // ISO 4217
	IncludedCredits int64  `json:"included_credits"`
	MaxSites        int64  `json:"max_sites"`
	MaxUsers        int64  `json:"max_users"`
	MaxKeywords     int64  `json:"max_keywords"`
	// IsActive plans can be chosen, and accounts on them can be used.
	IsActive bool `json:"is_active"`
	// IsInternal plans are for system accounts and demonstrations, never to be
	// chosen at sign-up.
	IsInternal bool `json:"is_internal"`
}

// Plan is what an account may use, and for how much.
type Plan struct {
	es.Entity
	Slug string
	PlanTerms
}

// PlanID is the id of the plan with this slug.
func PlanID(slug string) es.ID { return es.Derive(es.PlatformAccount, "plan/"+slug, 0) }

// Limits are the plan's limits by the name of the resource that counted claims
// use.
func (p Plan) Limits() map[string]int64 {
	return map[string]int64{Sites: p.MaxSites, Users: p.MaxUsers, Keywords: p.MaxKeywords}
}

// The resources that plans limit.
const (
	Sites    = "sites"
	Users    = "users"
	Keywords = "keywords"
)

// Selectable says whether somebody who signs up can choose the plan.
func (p Plan) Selectable() bool { return p.Live() && p.IsActive && !p.IsInternal }

// Create decides to offer a plan. Only es.PlatformAccount has plans.
func (p Plan) Create(env es.Env, slug string, terms PlanTerms) ([]es.Event, error) {
	if env.Tenant.Account != es.PlatformAccount {
		return nil, es.Refuse(es.Forbidden, "", "Plans belong to the platform.")
	}
	faults := es.Faults{}
	if slug == "" || text.Slug(slug, maxSlug) != slug {
		faults.Add("slug", "A slug is lower-case letters and digits, joined by single hyphens.")
	}
	terms = terms.checked(faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{PlanCreated{Slug: slug, PlanTerms: terms}}, nil
}

// Change decides other terms; the same terms again record nothing.
func (p Plan) Change(terms PlanTerms) ([]es.Event, error) {
	faults := es.Faults{}
	terms = terms.checked(faults)
	if err := faults.Err(); err != nil || reflect.DeepEqual(terms, p.PlanTerms) {
		return nil, err
	}
	return []es.Event{PlanChanged{terms}}, nil
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func (t PlanTerms) checked(faults es.Faults) PlanTerms {
	t.Name = text.Field(faults, "name", t.Name, 1, 100)
	if !currencyCode.MatchString(t.Currency) {
		faults.Add("currency", "A currency is three capital letters, such as USD.")
	}
	for path, n := range map[string]int64{
		"price": t.Price, "included_credits": t.IncludedCredits,
		"max_sites": t.MaxSites, "max_users": t.MaxUsers, "max_keywords": t.MaxKeywords,
	} {
		if n < 0 {
			faults.Add(path, "It cannot be negative.")
		}
	}
	return t
}

func evolvePlan(p *Plan, e es.Event) {
	switch e := e.(type) {
	case PlanCreated:
		p.Slug, p.PlanTerms = e.Slug, e.PlanTerms
	case PlanChanged:
		p.PlanTerms = e.PlanTerms
	}
}
