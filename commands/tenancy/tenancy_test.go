package tenancy_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
	"github.com/igny8/igny8/domain/tenancy"
)

var owner = es.Derive(estest.Command, "user", 0)

var acme = tenancy.AccountCreated{
	Slug: "acme-inc", Owner: owner, Plan: "free", Status: tenancy.AccountActive,
	AccountSettings: tenancy.AccountSettings{Name: "Acme, Inc.", RetentionDays: 14, Timezone: "UTC"},
}

var shop = tenancy.SiteCreated{SiteDetails: tenancy.SiteDetails{
	Name: "Shop", Slug: "shop", Domain: "shop.example.com", Industry: "technology-software", IsActive: true,
}}

func TestAnAccountOpensWithItsDefaults(t *testing.T) {
	t.Parallel()
	estest.Given(t, tenancy.AccountKind).When(CreateAccount{Name: " Acme,  Inc. ", Owner: owner, Plan: "free"}).Then(acme)
	estest.Given(t, tenancy.AccountKind).When(CreateAccount{Name: "", Timezone: "Mars/Olympus", Slug: "No Slug"}).
		ThenFaulty("name", "timezone", "slug", "plan_slug")
}

func TestANameWithoutLatinLettersGetsASlugOfItsId(t *testing.T) {
	t.Parallel()
	a := estest.Given(t, tenancy.AccountKind).When(CreateAccount{Name: "東京", Plan: "free"}).State()
	if want := "account-" + tenancy.SlugSuffix(estest.Account); a.Slug != want {
		t.Errorf("slug %q, want %q", a.Slug, want)
	}
}

func TestRetentionIsOneDayToAYear(t *testing.T) {
	t.Parallel()
	for days, ok := range map[int]bool{-1: false, 0: false, 1: true, 365: true, 366: false} {
		result := estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountSettings{RetentionDays: commands.Some(days)})
		if !ok {
			result.ThenFaulty("retention_days")
			continue
		}
		want := acme.AccountSettings
		want.RetentionDays = days
		result.Then(tenancy.AccountSettingsChanged{AccountSettings: want})
	}
	estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountSettings{Name: commands.Some("Acme, Inc.")}).ThenNothing()
}

func TestTimezonesAreIANANames(t *testing.T) {
	t.Parallel()
	for zone, ok := range map[string]bool{
		"Europe/Berlin": true, "Etc/GMT+3": true, "Local": false, "": false, "../UTC": false, "UTC\x00": false, "CEST-ish": false,
	} {
		result := estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountSettings{Timezone: commands.Some(zone)})
		if !ok {
			result.ThenFaulty("timezone")
		} else if got := result.State().Timezone; got != zone {
			t.Errorf("time zone %q, want %q", got, zone)
		}
	}
}

func TestASystemAccountCannotBeDeleted(t *testing.T) {
	t.Parallel()
	system := acme
	system.System = true
	estest.Given(t, tenancy.AccountKind, system).Delete("").ThenRefused(es.Conflict, "system_account")
	estest.Given(t, tenancy.AccountKind, acme).Delete("").Then(es.Deleted{
		DeletionID: estest.ID(1), RetentionDays: 14, At: estest.Now, PurgeAfter: estest.Now.AddDate(0, 0, 14),
	})
}

func TestPlansAndStatusesChangeOnce(t *testing.T) {
	t.Parallel()
	growth := tenancy.AccountPlanChanged{Plan: "growth"}
	suspended := tenancy.AccountStatusChanged{Status: tenancy.AccountSuspended, Reason: "unpaid"}
	estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountPlan{Plan: "growth"}).Then(growth)
	estest.Given(t, tenancy.AccountKind, acme, growth).When(ChangeAccountPlan{Plan: "growth"}).ThenNothing()
	estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountPlan{}).ThenFaulty("plan_slug")
	estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountStatus{Status: tenancy.AccountSuspended, Reason: "unpaid"}).Then(suspended)
	estest.Given(t, tenancy.AccountKind, acme, suspended).When(ChangeAccountStatus{Status: tenancy.AccountSuspended}).ThenNothing()
	estest.Given(t, tenancy.AccountKind, acme).When(ChangeAccountStatus{Status: "gone"}).ThenFaulty("status")
}

func TestOnlyThePlatformHasPlans(t *testing.T) {
	t.Parallel()
	free := tenancy.SeedPlans()[0]
	create := CreatePlan{Slug: free.Slug, PlanTerms: free.PlanTerms}
	estest.Given(t, tenancy.PlanKind).When(create).ThenRefused(es.Forbidden, "")
	platform := es.Tenant{Account: es.PlatformAccount}
	created := tenancy.PlanCreated{Slug: "free", PlanTerms: free.PlanTerms}
	estest.Given(t, tenancy.PlanKind).InTenant(platform).When(create).Then(created)
	estest.Given(t, tenancy.PlanKind, created).InTenant(platform).When(ChangePlan{free.PlanTerms}).ThenNothing()
	estest.Given(t, tenancy.PlanKind).InTenant(platform).When(CreatePlan{Slug: "Free!", PlanTerms: tenancy.PlanTerms{MaxSites: -1}}).
		ThenFaulty("slug", "name", "currency", "max_sites")
}

func TestASiteIsCreated(t *testing.T) {
	t.Parallel()
	estest.Given(t, tenancy.SiteKind).When(CreateSite{Name: " Shop", Domain: "Shop.Example.com.", Industry: "technology-software"}).Then(shop)
	estest.Given(t, tenancy.SiteKind).When(CreateSite{Slug: "-"}).ThenFaulty("name", "slug", "domain", "industry")
}

func TestASiteKeepsItsSlugWhenItsNameChanges(t *testing.T) {
	t.Parallel()
	want := shop.SiteDetails
	want.Name = "Store"
	estest.Given(t, tenancy.SiteKind, shop).When(ChangeSite{Name: commands.Some("Store")}).Then(tenancy.SiteChanged{SiteDetails: want})
	estest.Given(t, tenancy.SiteKind, shop).When(ChangeSite{}).ThenNothing()
}

func TestASectorIsNamedOrTakenFromTheIndustry(t *testing.T) {
	t.Parallel()
	estest.Given(t, tenancy.SectorKind).When(CreateSector{Name: "Our own"}).
		Then(tenancy.SectorCreated{SectorDetails: tenancy.SectorDetails{Name: "Our own", IsActive: true}})
	estest.Given(t, tenancy.SectorKind).When(CreateSector{IndustrySector: "cloud-hosting"}).
		Then(tenancy.SectorCreated{SectorDetails: tenancy.SectorDetails{Name: "Cloud hosting", IndustrySector: "cloud-hosting", IsActive: true}})
	estest.Given(t, tenancy.SectorKind).When(CreateSector{IndustrySector: "nonsense"}).ThenFaulty("industry_sector")
	estest.Given(t, tenancy.SectorKind).When(CreateSector{Description: strings.Repeat("x", 2001)}).ThenFaulty("name", "description")
}

func TestASiteHasAtMostFiveSectorsOfDifferentNames(t *testing.T) {
	t.Parallel()
	held := func(name string) es.Held {
		return tenancy.SectorKind.HeldBy(estest.Given(t, tenancy.SectorKind).When(CreateSector{Name: name}).State())
	}
	if a, b := held("Cloud Hosting"), held("cloud  hosting"); a.Unique[0] != b.Unique[0] {
		t.Error("case and spaces tell sectors apart")
	}
	if c := held("x").Counts[0]; c.Limit != 5 || c.Scope != estest.Site || c.N != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestSitesSectorsAndAccountsHoldTheirClaimsWhileTheyLive(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a-zÄ東 ]{0,8}x`)
	estest.CheckLifecycle(t, tenancy.SiteKind,
		func(t *rapid.T) estest.Decider[tenancy.Site] {
			return CreateSite{Name: name.Draw(t, "name"), Domain: "a.example", Industry: "automotive"}
		},
		func(t *rapid.T) estest.Decider[tenancy.Site] {
			return ChangeSite{Name: commands.Some(rapid.String().Draw(t, "name")), Slug: commands.Some(rapid.SampledFrom([]string{"a", "", "B"}).Draw(t, "slug"))}
		})
	estest.CheckLifecycle(t, tenancy.SectorKind,
		func(t *rapid.T) estest.Decider[tenancy.Sector] { return CreateSector{Name: name.Draw(t, "name")} },
		func(t *rapid.T) estest.Decider[tenancy.Sector] {
			return ChangeSector{Name: commands.Some(rapid.String().Draw(t, "name")), IsActive: commands.Some(rapid.Bool().Draw(t, "active"))}
		})
	estest.CheckLifecycle(t, tenancy.AccountKind,
		func(t *rapid.T) estest.Decider[tenancy.Account] {
			return CreateAccount{Name: name.Draw(t, "name"), Plan: "free"}
		},
		func(t *rapid.T) estest.Decider[tenancy.Account] {
			return ChangeAccountSettings{RetentionDays: commands.Some(rapid.IntRange(-1, 400).Draw(t, "days"))}
		},
		func(t *rapid.T) estest.Decider[tenancy.Account] {
			return ChangeAccountStatus{Status: rapid.SampledFrom([]tenancy.AccountStatus{tenancy.AccountActive, tenancy.AccountSuspended, ""}).Draw(t, "status")}
		})
}
