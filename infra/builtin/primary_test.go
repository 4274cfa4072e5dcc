package builtin

import (
	"testing"

	"github.com/igny8/igny8/commands/planner"
)

func TestThePrimaryPhraseIsSearchedForMuchAndCentral(t *testing.T) {
	t.Parallel()
	type member struct {
		text    string
		volume  int64
		central float64
	}
	for name, c := range map[string]struct {
		members []member
		want    string
	}{
		"alone":                               {[]member{{"a", 0, 0}}, "a"},
		"more searched for":                   {[]member{{"a", 10, 1}, {"b", 1000, 1}, {"c", 100, 1}}, "b"},
		"more central without volumes":        {[]member{{"a", 0, 1}, {"b", 0, 3}, {"c", 0, 2}}, "b"},
		"far off, though searched for":        {[]member{{"crm", 900, 5}, {"crm and invoices and more", 1000, 0.2}}, "crm"},
		"hardly searched for, though central": {[]member{{"crm for", 0, 5}, {"crm", 9000, 4}}, "crm"},
		"shorter of equals":                   {[]member{{"crm software", 10, 1}, {"crm", 10, 1}}, "crm"},
		"first of equals":                     {[]member{{"abc", 10, 1}, {"xyz", 10, 1}}, "abc"},
		"nothing in common":                   {[]member{{"abcd", 0, 0}, {"xyz", 0, 0}}, "xyz"},
		"volumes below zero":                  {[]member{{"abc", -5, 1}, {"xyz", 1, 1}}, "xyz"},
	} {
		// The members are not the first phrases, so that a place among members is
		// not taken for a phrase's index.
		phrases, members := []planner.Phrase{{Text: "of another group", Volume: 1 << 40}}, []int(nil)
		for _, m := range c.members {
			members = append(members, len(phrases))
			phrases = append(phrases, planner.Phrase{Text: m.text, Volume: m.volume})
		}
		got := primaryOf(phrases, members, func(i int) float64 { return c.members[i-1].central })
		if phrases[got].Text != c.want {
			t.Errorf("%s: %q, want %q", name, phrases[got].Text, c.want)
		}
	}
}
