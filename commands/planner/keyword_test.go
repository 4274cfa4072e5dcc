package planner_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
	"github.com/igny8/igny8/domain/planner"
)

func n(v int64) *int64 { return &v }

var crm = planner.KeywordCreated{KeywordDetails: planner.KeywordDetails{
	Text: "Best CRM software", Country: "US", Volume: n(5400), Difficulty: n(61), CPC: n(1250), Currency: "USD",
	Intents: []planner.Intent{planner.Commercial}, IntentSource: planner.IntentByPerson, IntentConfidence: 100,
	Trend: []int64{80, 100}, ParentTopic: "crm", SerpURLs: []string{"https://example.com/crm"},
}}

var (
	deleted = es.Deleted{
		DeletionID: estest.ID(1), Reason: "off topic", RetentionDays: 14,
		At: estest.Now, PurgeAfter: estest.Now.AddDate(0, 0, 14),
	}
	restored = es.Restored{DeletionID: estest.ID(1)}
)

func TestAKeywordIsCreatedInItsStoredForm(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.KeywordKind).When(CreateKeyword{
		Keyword: "  Best  CRM software\n", Country: "us", Volume: n(5400), Difficulty: n(61), CPC: n(1250),
		Intents: []planner.Intent{planner.Commercial, planner.Commercial}, Trend: []int64{80, 100},
		ParentTopic: " crm", SerpURLs: []string{" https://example.com/crm "},
	}).Then(crm)
}

func TestWhatIsUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.KeywordKind).When(CreateKeyword{
		Keyword: "crm", VolumeIsBucket: true, Currency: "EUR", Intents: []planner.Intent{}, SerpURLs: []string{},
	}).Then(planner.KeywordCreated{KeywordDetails: planner.KeywordDetails{Text: "crm"}})
}

func TestEveryFaultOfAKeywordIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.KeywordKind).When(CreateKeyword{
		Keyword: " ", Country: "USA", Volume: n(-1), Difficulty: n(101), CPC: n(-1), Currency: "usd",
		Intents: []planner.Intent{"buying"}, Trend: make([]int64, 25), ParentTopic: strings.Repeat("x", 256),
		SerpURLs: []string{"https://ok.example/", "javascript:alert(1)"},
	}).ThenFaulty("keyword", "country", "volume", "difficulty", "cpc", "currency", "intents[0]", "trend", "parent_topic", "serp_urls[1]")
	estest.Given(t, planner.KeywordKind).When(CreateKeyword{Keyword: "a\x00b"}).ThenFaulty("keyword")
}

func TestAChangeTouchesOnlyWhatWasSent(t *testing.T) {
	t.Parallel()
	want := crm.KeywordDetails
	want.Volume, want.Difficulty, want.Disabled = n(10), nil, true
	var change ChangeKeyword
	if err := json.Unmarshal([]byte(`{"volume":10,"difficulty":null,"disabled":true}`), &change); err != nil {
		t.Fatal(err)
	}
	estest.Given(t, planner.KeywordKind, crm).When(change).Then(planner.KeywordChanged{KeywordDetails: want})
}

func TestTheSameAgainRecordsNothing(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.KeywordKind, crm).When(ChangeKeyword{}).ThenNothing()
	estest.Given(t, planner.KeywordKind, crm).When(ChangeKeyword{
		Keyword: commands.Some("Best  CRM software "), Intents: commands.Some([]planner.Intent{planner.Commercial}),
	}).ThenNothing()
}

func TestDroppingTheCostDropsItsCurrency(t *testing.T) {
	t.Parallel()
	want := crm.KeywordDetails
	want.CPC, want.Currency = nil, ""
	estest.Given(t, planner.KeywordKind, crm).When(ChangeKeyword{CPC: commands.Null[int64]()}).
		Then(planner.KeywordChanged{KeywordDetails: want})
}

func TestAKeywordCanBeRestoredUntilItsRetentionEnds(t *testing.T) {
	t.Parallel()
	end := deleted.PurgeAfter
	estest.Given(t, planner.KeywordKind, crm).Delete("off topic").Then(deleted)
	estest.Given(t, planner.KeywordKind, crm, deleted).Delete("again").ThenNothing()
	estest.Given(t, planner.KeywordKind, crm, deleted).At(end.Add(-time.Second)).Restore().Then(restored)
	estest.Given(t, planner.KeywordKind, crm, deleted).At(end).Restore().ThenRefused(es.Gone, "retention_ended")
	estest.Given(t, planner.KeywordKind, crm, deleted).At(end).Purge().Then(es.Purged{DeletionID: estest.ID(1)})
	estest.Given(t, planner.KeywordKind, crm, deleted, restored).Restore().ThenNothing()
}

func TestTheWindowInForceAtDeletionCounts(t *testing.T) {
	t.Parallel()
	short := deleted
	short.RetentionDays, short.PurgeAfter = 1, estest.Now.AddDate(0, 0, 1)
	estest.Given(t, planner.KeywordKind, crm).WithRetention(1).Delete("off topic").Then(short)
	estest.Given(t, planner.KeywordKind, crm, short).WithRetention(365).At(estest.Now.AddDate(0, 0, 2)).Restore().
		ThenRefused(es.Gone, "retention_ended")
}

func TestKeywordsOfOneTextShareAClaim(t *testing.T) {
	t.Parallel()
	claim := func(keyword, country string) es.Unique {
		k := estest.Given(t, planner.KeywordKind).When(CreateKeyword{Keyword: keyword, Country: country}).State()
		return planner.KeywordKind.HeldBy(k).Unique[0]
	}
	if claim("Café CRM", "us") != claim("CAFE\u0301  crm", "US") {
		t.Error("case, spaces and composition tell keywords apart")
	}
	if claim("crm", "US") == claim("crm", "DE") || claim("crm", "") == claim("crm", "US") {
		t.Error("one keyword cannot be planned in two countries")
	}
}

func TestKeywordsHoldTheirClaimsWhileTheyLive(t *testing.T) {
	t.Parallel()
	estest.CheckLifecycle(t, planner.KeywordKind,
		func(t *rapid.T) estest.Decider[planner.Keyword] {
			return CreateKeyword{
				Keyword:    rapid.StringMatching(`[a-zÄß東 ]{0,8}x`).Draw(t, "keyword"),
				Volume:     rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, "volume"),
				CPC:        rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, "cpc"),
				Difficulty: rapid.Ptr(rapid.Int64Range(0, 100), true).Draw(t, "difficulty"),
				Intents:    rapid.SliceOf(rapid.SampledFrom(planner.Intents())).Draw(t, "intents"),
				Trend:      rapid.SliceOfN(rapid.Int64Range(0, 100), 0, 24).Draw(t, "trend"),
			}
		},
		func(t *rapid.T) estest.Decider[planner.Keyword] {
			return ChangeKeyword{
				Keyword:  commands.Some(rapid.String().Draw(t, "keyword")),
				Country:  commands.Some(rapid.SampledFrom([]string{"", "US", "xx", "de"}).Draw(t, "country")),
				Currency: commands.Some(rapid.SampledFrom([]string{"", "EUR", "e"}).Draw(t, "currency")),
				SerpURLs: commands.Some(rapid.SliceOf(rapid.SampledFrom([]string{"https://a.example/", "b"})).Draw(t, "urls")),
			}
		},
		func(t *rapid.T) estest.Decider[planner.Keyword] {
			return ChangeKeyword{Volume: commands.Null[int64](), Disabled: commands.Some(rapid.Bool().Draw(t, "disabled"))}
		},
	)
}
