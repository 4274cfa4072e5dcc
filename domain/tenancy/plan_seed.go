package tenancy

// The plans that are there from the start.
const (
	FreePlan     = "free"
	InternalPlan = "internal"
)

// SeedPlan is a plan that is there from the start.
type SeedPlan struct {
	Slug string
	PlanTerms
}

// SeedPlans are the plans that are there from the start, with the figures
// published on 26 December 2025; an operator may change them afterwards.
func SeedPlans() []SeedPlan {
	plan := func(slug, name string, dollars, credits, sites, users, keywords int64) SeedPlan {
		return SeedPlan{Slug: slug, PlanTerms: PlanTerms{
			Name: name, Price: dollars * 100, Currency: "USD", IncludedCredits: credits,
			MaxSites: sites, MaxUsers: users, MaxKeywords: keywords,
			IsActive: true, IsInternal: slug == InternalPlan,
		}}
	}
	return []SeedPlan{
		plan(FreePlan, "Free", 0, 1_000, 1, 1, 500),
		plan("starter", "Starter", 100, 1_000, 2, 2, 500),
		plan("growth", "Growth", 200, 2_000, 5, 3, 2_000),
		plan("scale", "Scale", 500, 5_000, 99, 5, 5_000),
		plan(InternalPlan, "Internal", 0, 1_000_000, 1_000, 1_000, 100_000),
	}
}
