package builtin

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/text"
)

// named are the names of groups of phrases. A phrase is its text, and its volume
// behind a bar where it has one; a group's first is its primary.
func named(groups ...[]string) []string {
	var phrases []planner.Phrase
	all := make([]planner.Group, len(groups))
	for g, members := range groups {
		for _, m := range members {
			text, volume, _ := strings.Cut(m, "|")
			searches, _ := strconv.ParseInt(volume, 10, 64)
			all[g].Members = append(all[g].Members, len(phrases))
			phrases = append(phrases, planner.Phrase{Text: text, Volume: searches})
		}
		all[g].Primary = all[g].Members[0]
	}
	nameGroups(phrases, all)
	names := make([]string, len(all))
	for g := range all {
		names[g] = all[g].Name
	}
	return names
}

func TestAGroupIsNamedAsAPersonWould(t *testing.T) {
	t.Parallel()
	for want, members := range map[string][]string{
		"Descaling solution":           {"descaling solution"},
		"Best CRM software":            {"best crm software|900", "best crm software for startups|100", "what is the best crm software|50"},
		"Gooseneck kettle":             {"gooseneck kettle|500", "best gooseneck kettle|90", "gooseneck kettle with timer|20", "electric gooseneck kettle|300"},
		"Check account balance":        {"check account balance", "how do i check my account balance", "check account balance online"},
		"How to descale a kettle":      {"how to descale a kettle", "how to descale a kettle with vinegar", "how to descale a kettle fast"},
		"La pavoni europiccola":        {"la pavoni europiccola", "la pavoni europiccola review"},
		"Gifts for coffee lovers":      {"gifts for coffee lovers|90", "gifts for espresso lovers|10"},
		"Yoga for beginners":           {"yoga for beginners", "yoga for beginners at home", "best yoga for beginners"},
		"iPhone case":                  {"iPhone case", "iPhone case leather", "best iPhone case"},
		"LG TV":                        {"LG TV", "LG TV stand", "best LG TV"},
		"CRM pricing":                  {"CRM PRICING", "CRM PRICING PLANS"},
		"Running shoes":                {"Running Shoes|10", "running shoes for men|900", "running shoes|800"},
		"Café crème":                   {"café crème|900", "cafe creme recette|10", "café crème maison|10"},
		"咖啡机":                          {"咖啡机", "咖啡机推荐", "咖啡机价格"},
		"コーヒーミル":                       {"コーヒーミル", "コーヒーミル おすすめ", "コーヒーミル 手動"},
		"Кофемашина":                   {"кофемашина", "кофемашина цена", "лучшая кофемашина"},
		"Percolator vs drip coffee":    {"percolator vs drip coffee", "drip coffee or percolator", "percolator vs drip coffee taste"},
		"Descale espresso machine":     {"descale espresso machine|10", "when to descale espresso machine|10", "descale espresso machine vinegar|10", "descale coffee espresso machine|1"},
		"Unnamed":                      {"\x00"},
		"???":                          {"???", "???"},
		"Türk kahvesi":                 {"türk kahvesi", "türk kahvesi tarifi", "türk kahvesi nasıl yapılır"},
		"1980s music":                  {"1980s music", "best 1980s music", "1980s music hits"},
		"The crown":                    {"the crown cast", "the crown season 5", "the crown filming"},
		"Mother's day gifts":           {"mother's day gifts", "mother's day gifts ideas", "cheap mother's day gifts"},
		"Wi-fi extender":               {"wi-fi extender"},
		"Double shot":                  {"double shot|5", "a double shot|4", "double shot or single|1"},
		"Coffee subscription":          {"coffee subscriptions|3", "coffee subscription|900", "coffee subscription boxes|80"},
		"Cappuccino":                   {"latte vs cappuccino|90", "aeroccino vs cappuccino|90", "cappuccino cups|20"},
		"Steel kettle":                 {"steel kettle|900", "steel kettle timer|900", "glass kettle|1"},
		"Sourdough":                    {"sourdough starter", "sourdough bread", "sourdough discard"},
		"Best espresso machine for me": {"best espresso machine for me"},
	} {
		if got := named(members); got[0] != want {
			t.Errorf("%q are named %q, want %q", members, got[0], want)
		}
	}
}

func TestAWordThatAllGroupsHaveNamesNone(t *testing.T) {
	t.Parallel()
	groups := [][]string{{"why is espresso sour", "stop espresso tasting bitter", "espresso watery"}}
	for _, thing := range []string{"cups", "books", "beans", "tamper", "basket"} {
		groups = append(groups, []string{"espresso " + thing, "best espresso " + thing, "espresso " + thing + " sale"})
	}
	want := []string{"Why is espresso sour", "Espresso cups", "Espresso books", "Espresso beans", "Espresso tamper", "Espresso basket"}
	if got := named(groups...); !slices.Equal(got, want) {
		t.Errorf("they are named %q, want %q", got, want)
	}
}

func TestTheGroupThatIsSearchedForMostChoosesItsNameFirst(t *testing.T) {
	t.Parallel()
	got := named(
		[]string{"crm for schools|10", "crm for schools free|10"},
		[]string{"CRM for schools|9000", "crm for schools comparison|8000"},
		[]string{"crm FOR schools|1", "crm for schools|1"},
	)
	if got[1] != "CRM for schools" || got[0] == got[2] {
		t.Errorf("they are named %q", got)
	}
}

// nameFaults is what is wrong with names: each is of 1 to 200 characters, plain
// text in its stored form, and no two fold to the same.
func nameFaults(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		key := text.Fold(name)
		switch {
		case name == "" || utf8.RuneCountInString(name) > 200 || !utf8.ValidString(name) || text.Line(name) != name:
			return fmt.Errorf("%q is no name", name)
		case seen[key]:
			return fmt.Errorf("%q names two groups", name)
		}
		seen[key] = true
	}
	return nil
}

func TestNamesDifferAndFitWhateverThePhrasesAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{"crm", "CRM", "best crm", "crm 2", "Crm  2", "", " ", "the", "咖啡", "咖啡机", "\xff", "\x00", "☕", "ИЙ", "a\nb", strings.Repeat("long ", 80), strings.Repeat("咖", 300)}),
			rapid.String(), rapid.StringMatching(`[abc ]{0,8}`),
		), 1, 5), 0, 12).Draw(t, "groups")
		names := named(groups...)
		if err := nameFaults(names); err != nil {
			t.Fatal(err)
		}
		if again := named(groups...); !reflect.DeepEqual(again, names) {
			t.Fatalf("%q are named %q, and then %q", groups, names, again)
		}
	})
}

func TestFiftyThousandPhrasesInTenThousandGroupsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	phrases := Keywords(50_000)
	groups := make([]planner.Group, 10_000)
	for i := range phrases {
		g := i / 5
		groups[g].Members, groups[g].Primary = append(groups[g].Members, i), g*5
	}
	before := time.Now()
	nameGroups(phrases, groups)
	took := time.Since(before)
	names := make([]string, len(groups))
	for g := range groups {
		names[g] = groups[g].Name
	}
	if err := nameFaults(names); err != nil {
		t.Error(err)
	}
	t.Logf("named in %v", took)
	if took > 30*time.Second { // a square of the phrases would take minutes.
		t.Errorf("it took %v", took)
	}
}

func BenchmarkNaming(b *testing.B) {
	phrases := Keywords(50_000)
	groups := make([]planner.Group, 10_000)
	for i := range phrases {
		groups[i/5].Members, groups[i/5].Primary = append(groups[i/5].Members, i), i/5*5
	}
	b.ReportAllocs()
	for b.Loop() {
		nameGroups(phrases, groups)
	}
}
