package planner_test

import (
	"encoding/json"
	"reflect"
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

func TestMergingAddsOnlyWhatWasNotKnown(t *testing.T) {
	t.Parallel()
	bucket := planner.KeywordCreated{KeywordDetails: planner.KeywordDetails{
		Text: "crm", Volume: n(500), VolumeIsBucket: true, Intents: []planner.Intent{planner.Informational},
		IntentSource: planner.IntentByRules, IntentConfidence: 40, Trend: []int64{1},
	}}
	want := bucket.KeywordDetails
	want.Volume, want.VolumeIsBucket, want.Difficulty, want.ParentTopic = n(320), false, n(12), "software"
	want.Intents, want.IntentSource, want.IntentConfidence = []planner.Intent{planner.Commercial}, planner.IntentByImport, 90
	merge := MergeKeyword{planner.KeywordDetails{
		Text: "CRM", Country: "US", Volume: n(320), Difficulty: n(12), ParentTopic: "software", Trend: []int64{9, 9},
		Intents: []planner.Intent{planner.Commercial}, IntentSource: planner.IntentByImport, IntentConfidence: 90,
	}}
	estest.Given(t, planner.KeywordKind, bucket).When(merge).Then(planner.KeywordChanged{KeywordDetails: want})
	estest.Given(t, planner.KeywordKind, crm).When(MergeKeyword{planner.KeywordDetails{Volume: n(1), Intents: []planner.Intent{planner.Navigational}, IntentSource: planner.IntentByImport}}).ThenNothing()
}

func details(t *rapid.T, label string) planner.KeywordDetails {
	d := planner.KeywordDetails{
		Text:       "crm",
		Volume:     rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, label+" volume"),
		Difficulty: rapid.Ptr(rapid.Int64Range(0, 100), true).Draw(t, label+" difficulty"),
		CPC:        rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, label+" cpc"),
		Intents:    rapid.SliceOf(rapid.SampledFrom(planner.Intents())).Draw(t, label+" intents"),
		Trend:      rapid.SliceOfN(rapid.Int64Range(0, 9), 0, 3).Draw(t, label+" trend"),
	}
	d.VolumeIsBucket = rapid.Bool().Draw(t, label+" bucket")
	d.IntentSource = rapid.SampledFrom([]planner.IntentSource{planner.IntentByRules, planner.IntentByModel, planner.IntentByImport, planner.IntentByPerson}).Draw(t, label+" source")
	d, err := d.Checked()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAMergeNeverLosesWhatIsKnownAndARepeatAddsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := details(t, "a"), details(t, "b")
		merged := a.With(b)
		if a.Known()&^merged.Known() != 0 || b.Known()&^merged.Known() != 0 {
			t.Fatalf("%+v and %+v make %+v, which knows less", a, b, merged)
		}
		if again := merged.With(b); !reflect.DeepEqual(again, merged) {
			t.Fatalf("a repeat makes %+v of %+v", again, merged)
		}
		if checked, err := merged.Checked(); err != nil || !reflect.DeepEqual(checked, merged) {
			t.Fatalf("%+v is not in its stored form: %+v, %v", merged, checked, err)
		}
	})
}
