package tenancy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

func TestDomainsAreHostNamesInOneForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Example.COM":       "example.com",
		"example.com.":      "example.com",
		"münchen.de":        "xn--mnchen-3ya.de",
		"XN--MNCHEN-3YA.de": "xn--mnchen-3ya.de",
		"faß.de":            "xn--fa-hia.de",
		"例え。jp":             "xn--r8jz45g.jp",
		" a-b.co.uk ":       "a-b.co.uk",

		"":                                  "",
		"https://example.com":               "",
		"example.com/blog":                  "",
		"example.com:8080":                  "",
		"user@example.com":                  "",
		"127.0.0.1":                         "",
		"[::1]":                             "",
		"localhost":                         "",
		"-a.com":                            "",
		"a..com":                            "",
		"a_b.com":                           "",
		"a.com\x00":                         "",
		"\xff.com":                          "",
		strings.Repeat("a", 64) + ".com":    "",
		strings.Repeat("abcd.", 60) + "com": "",
	} {
		faults := es.Faults{}
		got := checkedDomain(faults, "domain", name)
		if ok := faults.Err() == nil; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", name, got, faults, want)
		}
	}
}

func TestANormalisedDomainStaysAsItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-ZäÖß例\-\.]{1,12}\.(de|jp)`)).Draw(t, "name")
		faults := es.Faults{}
		once := checkedDomain(faults, "domain", name)
		if faults.Err() != nil {
			return
		}
		if again := checkedDomain(faults, "domain", once); again != once || faults.Err() != nil {
			t.Fatalf("%q gave %q, and that %q %v", name, once, again, faults)
		}
	})
}

func TestIndustriesAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, i := range Industries() {
		if i.Name == "" || text.Slug(i.Slug, maxSlug) != i.Slug || seen["industry "+i.Slug] {
			t.Errorf("industry %+v", i)
		}
		seen["industry "+i.Slug] = true
		if len(i.Sectors) < 5 || len(i.Sectors) > 10 {
			t.Errorf("%s has %d sectors", i.Slug, len(i.Sectors))
		}
		for _, s := range i.Sectors {
			found, ok := IndustrySectorBySlug(s.Slug)
			if s.Name == "" || text.Slug(s.Slug, maxSlug) != s.Slug || seen[s.Slug] || !ok || found.Industry != i.Slug {
				t.Errorf("sector %+v of %s", s, i.Slug)
			}
			seen[s.Slug] = true
		}
	}
	if len(Industries()) < 12 {
		t.Errorf("%d industries", len(Industries()))
	}
}

func TestSeedPlansHaveThePublishedFigures(t *testing.T) {
	t.Parallel()
	want := map[string][5]int64{
		"free": {0, 1_000, 1, 1, 500}, "starter": {100_00, 1_000, 2, 2, 500}, "growth": {200_00, 2_000, 5, 3, 2_000},
		"scale": {500_00, 5_000, 99, 5, 5_000}, "internal": {0, 1_000_000, 1_000, 1_000, 100_000},
	}
	for _, p := range SeedPlans() {
		if got := [5]int64{p.Price, p.IncludedCredits, p.MaxSites, p.MaxUsers, p.MaxKeywords}; got != want[p.Slug] {
			t.Errorf("%s: %v, want %v", p.Slug, got, want[p.Slug])
		}
		state := Plan{PlanTerms: p.PlanTerms}
		state.Revision = 1
		if state.Selectable() != (p.Slug != InternalPlan) {
			t.Errorf("%s selectable: %v", p.Slug, state.Selectable())
		}
	}
}

func TestSlugsAreAlwaysSlugs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		slug := AccountSlug(name, es.PlatformAccount)
		for _, s := range []string{slug, WithSuffix(slug, es.PlatformAccount)} {
			if s == "" || text.Slug(s, maxSlug) != s {
				t.Fatalf("%q gives %q", name, s)
			}
		}
	})
}
