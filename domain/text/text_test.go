package text_test

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// anything draws texts of arbitrary Unicode, and sometimes of arbitrary bytes.
func anything() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.StringOf(rapid.RuneFrom([]rune(" \t\n\u00a0\u0301\u0345\u03b1\u0130ıİßſKÅΣςﬀ가aA-’\u200d\u0000\ufffd"))),
	)
}

func TestEveryFormStaysAsItIsWhenAppliedAgain(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) string{
		"Line": text.Line, "Block": text.Block, "Fold": text.Fold,
		"Slug": func(s string) string { return text.Slug(s, 20) },
	}
	rapid.Check(t, func(t *rapid.T) {
		s := anything().Draw(t, "s")
		for name, form := range forms {
			if once := form(s); form(once) != once {
				t.Fatalf("%s(%q) = %q, and again %q", name, s, once, form(once))
			}
		}
	})
}

func TestFoldMeetsWhatOnlyLooksDifferent(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"  Best   CRM\u00a0software ", "best crm software"},
		{"caf\u00e9", "CAFE\u0301"},
		{"STRASSE", "straße"},
		{"ΣΊΣΥΦΟΣ", "σίσυφος"},
	} {
		if text.Fold(pair[0]) != text.Fold(pair[1]) {
			t.Errorf("%q and %q fold to %q and %q", pair[0], pair[1], text.Fold(pair[0]), text.Fold(pair[1]))
		}
	}
	if text.Fold("cafe") == text.Fold("café") {
		t.Error("an accent makes another keyword")
	}
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"Acme, Inc.": "acme-inc", "  Café Zürich ": "cafe-zurich", "Joe's Diner": "joes-diner",
		"東京": "", "a--b__c": "a-b-c", "exactly twenty chars and more": "exactly-twenty-chars",
	} {
		if got := text.Slug(s, 20); got != want {
			t.Errorf("Slug(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestFieldsAreCheckedWithoutPanicking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anything().Draw(t, "s")
		faults := es.Faults{}
		clean := text.Field(faults, "name", s, 1, 10)
		if faults.Err() == nil && (!utf8.ValidString(clean) || utf8.RuneCountInString(clean) > 10 || clean == "") {
			t.Fatalf("%q passed as %q", s, clean)
		}
		text.Paragraphs(faults, "description", s, 10)
	})
}

func TestFieldSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                 "This field is required.",
		" \n ":             "This field is required.",
		"\u202e\u200b":     "There is nothing to see in this text: it has invisible characters only.",
		"a\x00b":           "Control characters are not allowed here.",
		"\xff":             "This is not valid UTF-8 text.",
		"eleven char":      "At most 10 characters fit here; these are 11.",
		"a\u0085\u2028 bc": "",
	} {
		faults := es.Faults{}
		text.Field(faults, "name", s, 1, 10)
		got := ""
		if len(faults["name"]) > 0 {
			got = faults["name"][0]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
