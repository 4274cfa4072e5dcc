package builtin

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWordsAreWhatPeopleMeanHoweverTheyTypeThem(t *testing.T) {
	t.Parallel()
	for phrase, want := range map[string]string{
		"":                       "",
		"  Best  CRM?! ":         "best crm",
		"Don't, don’t or dont":   "dont dont or dont",
		"crème brûlée":           "creme brulee",
		"cre\u0300me":            "creme",
		"İstanbul ISPARTA ılıca": "istanbul isparta ilica",
		"ΚΑΦΈΣ καφες":            "καφεσ καφεσ",
		"Ёлка и йод":             "елка и иод",
		"Straße STRASSE":         "strasse strasse",
		"ﬁne ＣＲＭ ①":              "fine crm 1",
		"咖啡机 推荐":                 "咖 啡 机 推 荐",
		"コーヒーミル":                 "コ ー ヒ ー ミ ル",
		"ガ カ":                    "ガ カ",
		"커피머신 추천":                "커피머신 추천",
		"หมอ":                    "ห ม อ",
		"under $500, 58mm":       "under 500 58mm",
		"Windows™ 11":            "windows 11",
		"caf\xe9 au lait":        "caf au lait",
		"☕ ☕ ?":                  "",
		"iphone vs.android":      "iphone vs android",
	} {
		if got := strings.Join(words(phrase), " "); got != want {
			t.Errorf("words of %q are %q, want %q", phrase, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, phrase := range []string{"Best CRM?", "İstanbul", "don’t", "cafe\u0301", "ｶﾞ", "咖啡机 500", "\xff'\u0301", "ΐ", "ﬁ½①", "가\u11a8", "'’", "ﷺ"} {
		f.Add(phrase)
	}
	f.Fuzz(func(t *testing.T, phrase string) {
		first := words(phrase)
		for _, w := range first {
			if w == "" || !utf8.ValidString(w) || strings.ContainsAny(w, " \t\n'’") {
				t.Fatalf("%q has the word %q", phrase, w)
			}
		}
		if again := words(strings.Join(first, " ")); !slices.Equal(again, first) {
			t.Fatalf("words of %q are %q, and theirs %q", phrase, first, again)
		}
	})
}
