package builtin

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/text"
)

const (
	// shared is how much of a group, by searches, shows a word that names it.
	// Where that tells two groups not apart, words that fewer show come in.
	shared = 0.5
	// mostWords is how many words that mean something a name has, if it can.
	mostWords = 6
	// continued is how much of the members that have a name's words, by weight,
	// go on with the same word before it belongs to the name.
	continued = 0.9
	// common is how much of its phrases a group has at most of a word that says
	// nothing about this group: of "espresso", where all groups have it.
	common = 0.3
	// longestName is in characters. It leaves room for a number behind it within
	// the 200 that a cluster's name may have.
	longestName = 180
	// nameless is called so what has nothing that can be read.
	nameless = "Unnamed"
)

// nameGroups names each group by the words that most of it shares, in the order
// and the form in which its members have them: "CRM for small business". Groups
// that are searched for more choose first; one whose name is taken adds words that
// fewer of its members have, then takes its primary phrase, then a number. Names
// differ whatever their case.
func nameGroups(phrases []planner.Phrase, groups []planner.Group) {
	weights := make([]float64, len(groups))
	order := make([]int, len(groups))
	for i, g := range groups {
		order[i] = i
		for _, m := range g.Members {
			weights[i] += weight(phrases[m])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	members, everywhere, stems := make([][]member, len(groups)), map[string]int{}, map[string]string{}
	for i, g := range groups {
		members[i] = membersOf(phrases, g.Members, stems)
		for _, m := range members[i] {
			for _, s := range m.stems {
				everywhere[s]++
			}
		}
	}
	taken, last := map[string]bool{}, map[string]int{}
	for _, i := range order {
		groups[i].Name = unique(namesFor(phrases[groups[i].Primary].Text, members[i], everywhere), taken, last)
	}
}

// weight is how much a phrase has to say about its group's name.
func weight(p planner.Phrase) float64 { return 1 + searched(p) }

// unique is the first name that is free, or else the last one with a number.
func unique(names iter.Seq[string], taken map[string]bool, last map[string]int) string {
	var name string
	for name = range names {
		if key := text.Fold(name); !taken[key] {
			taken[key] = true
			return name
		}
	}
	base := text.Fold(name)
	for n := max(2, last[base]); ; n++ {
		numbered := name + " " + strconv.Itoa(n)
		if key := text.Fold(numbered); !taken[key] {
			taken[key] = true
			last[base] = n + 1
			return numbered
		}
	}
}

// namesFor are the names that suit a group, the best first; there is one at least,
// and the last is the primary phrase. everywhere counts stems in all groups: where
// all of a name's words are common to many groups, the primary phrase says more.
func namesFor(primary string, members []member, everywhere map[string]int) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(members) < 2 {
			yield(asName(primary))
			return
		}
		here := map[string]int{}
		for _, m := range members {
			for _, s := range m.stems {
				here[s]++
			}
		}
		own := func(stem string) bool { return float64(here[stem]) > common*float64(everywhere[stem]) }
		say, words := coverage(members), -1
		for _, least := range []float64{shared, 0.4, 0.3, 0.2} {
			core := say.core(least)
			if len(core) == words {
				continue
			}
			words = len(core)
			name, says := bestArrangement(members, core, own)
			if name != "" && !says && !yield(asName(primary)) || name != "" && !yield(name) {
				return
			}
		}
		yield(asName(primary))
	}
}

// member is a phrase of a group: its words, what they are compared by, and its
// weight in the group.
type member struct {
	words   []word
	stems   []string
	weight  float64
	shouted bool
}

// membersOf are the group's different phrases, with the greatest weight of each.
// known are stems by words; those that it lacks are added.
func membersOf(phrases []planner.Phrase, of []int, known map[string]string) []member {
	at := map[string]int{}
	var all []member
	for _, i := range of {
		w := wordsOf(phrases[i].Text)
		if len(w) == 0 {
			continue
		}
		stems := make([]string, len(w))
		key := ""
		for j := range w {
			s, seen := known[w[j].folded]
			if !seen {
				s = stem(w[j].folded)
				known[w[j].folded] = s
			}
			stems[j] = s
			key += w[j].folded + " "
		}
		if n, seen := at[key]; seen {
			all[n].weight = max(all[n].weight, weight(phrases[i]))
			continue
		}
		at[key] = len(all)
		all = append(all, member{w, stems, weight(phrases[i]), shouts(w)})
	}
	return all
}

// covered says what share of a group, by weight, shows each stem of two members
// or more that means something.
type covered map[string]float64

func coverage(members []member) covered {
	total := 0.0
	by, count := covered{}, map[string]int{}
	for _, m := range members {
		total += m.weight
		seen := map[string]bool{}
		for i, s := range m.stems {
			if !seen[s] && !functionWords[m.words[i].folded] {
				seen[s] = true
				by[s] += m.weight
				count[s]++
			}
		}
	}
	for s, n := range count {
		if by[s] /= total; n < 2 {
			delete(by, s)
		}
	}
	return by
}

// core are the stems that so much of the group shows; if they are too many, those
// that most of it shows.
func (c covered) core(least float64) covered {
	for ; ; least += 0.1 {
		core := covered{}
		for s, share := range c {
			if share >= least {
				core[s] = share
			}
		}
		if len(core) <= mostWords || least >= 0.9 {
			return core
		}
	}
}

// arrangement is one way in which members put a group's words.
type arrangement struct {
	words   []word
	stems   []string
	of      []span  // where members have it
	covers  float64 // the sum of its words' shares
	votes   float64 // the weight of the members that have it so
	gaps    int
	best    float64 // the weight of the member whose words these are
	shouted bool
}

// span is where an arrangement's words are in a member, from its first one's place
// to its last one's.
type span struct {
	in          member
	first, last int
}

// bestArrangement is how members put the core's words: of all ways the one with
// most of them and most members behind it; "" if none has any. says tells whether
// one of its stems is its own.
func bestArrangement(members []member, core covered, own func(stem string) bool) (name string, says bool) {
	ways := map[string]*arrangement{}
	var order []*arrangement
	total := 0.0
	for _, m := range members {
		total += m.weight
		a, key := m.arrange(core)
		if key == "" {
			continue
		}
		known := ways[key]
		if known == nil {
			known = &arrangement{gaps: a.gaps + 1}
			ways[key] = known
			order = append(order, known)
		}
		a.votes = known.votes + m.weight/float64(1+a.gaps)
		a.of = append(known.of, a.of...)
		if a.gaps > known.gaps || a.gaps == known.gaps && a.best <= known.best {
			known.votes, known.of = a.votes, a.of
			continue
		}
		*known = a
	}
	var best *arrangement
	most := 0.0
	for _, a := range order {
		if score := a.covers * (1 + a.votes/total); score > most {
			best, most = a, score
		}
	}
	if best == nil {
		return "", false
	}
	return cut(sentenceCase(best.continued(), best.shouted)), slices.ContainsFunc(best.stems, own)
}

// continued are an arrangement's words, with the word before and the one behind
// that nearly all members have there: "La Pavoni", "descale espresso machine".
func (a *arrangement) continued() []word {
	whole := a.words
	if w, all := a.neighbour(func(s span) int { return s.first - 1 }); all && (articles[w.folded] || len(a.of) > 1 && !unspacedWord(w) && !functionWords[w.folded]) {
		whole = append([]word{w}, whole...)
	}
	if w, all := a.neighbour(func(s span) int { return s.last + 1 }); all && len(a.of) > 1 && !w.joined && !functionWords[w.folded] {
		whole = append(slices.Clip(whole), w)
	}
	return whole
}

// neighbour is the word that nearly all members have at a place beside their
// words of the arrangement.
func (a *arrangement) neighbour(place func(span) int) (w word, all bool) {
	var at word
	for i := range a.of {
		s := a.of[len(a.of)-1-i]
		if p := place(s); p >= 0 && p < len(s.in.words) {
			at = s.in.words[p]
			break
		}
	}
	with, total := 0.0, 0.0
	for _, s := range a.of {
		total += s.in.weight
		if p := place(s); p >= 0 && p < len(s.in.words) && s.in.words[p].folded == at.folded {
			with += s.in.weight
		}
	}
	return at, at.folded != "" && with >= continued*total
}

// arrange leaves of a member what the core has, with the function words between;
// a gap with a function word in it stays as it is, since "gifts lovers" is no
// name. key tells arrangements apart and is empty without any. In a script without
// spaces words are cut out whole, or not at all.
func (m member) arrange(core covered) (a arrangement, key string) {
	a = arrangement{best: m.weight, shouted: m.shouted}
	here, first, last := a, -1, -1
	seen := map[string]bool{}
	keep := func() {
		if here.covers > a.covers && readable(here.words) {
			a, key = here, strings.Join(here.stems, " ")
			a.of = []span{{m, first, last}}
		}
	}
	for i, s := range m.stems {
		share, in := core[s]
		if !in || functionWords[m.words[i].folded] || seen[s] && !unspacedWord(m.words[i]) {
			continue
		}
		w := m.words[i]
		switch {
		case last < 0:
			first = i
			here.words = append(here.words, m.howTo(i)...)
		case m.functionOnly(last+1, i):
			here.words = append(here.words, m.words[last+1:i]...)
		case w.joined || m.words[last+1].joined:
			keep()
			here, first = arrangement{best: m.weight, shouted: m.shouted}, i
		case slices.ContainsFunc(m.words[last+1:i], func(w word) bool { return functionWords[w.folded] }):
			here.gaps++
			here.words = append(here.words, m.words[last+1:i]...)
		default:
			here.gaps++
			w.joined = false
		}
		if len(here.words) == 0 {
			w.joined = false
		}
		here.words = append(here.words, w)
		here.stems = append(here.stems, s)
		if !seen[s] {
			here.covers += share
		}
		seen[s] = true
		last = i
	}
	keep()
	return a, key
}

// howTo are the words "how to" if they stand before a word.
func (m member) howTo(i int) []word {
	if i >= 2 && m.words[i-2].folded == "how" && m.words[i-1].folded == "to" {
		return m.words[i-2 : i]
	}
	return nil
}

func (m member) functionOnly(from, to int) bool {
	for _, w := range m.words[from:to] {
		if !functionWords[w.folded] {
			return false
		}
	}
	return true
}

// readable says that words name something: a single character of a script without
// spaces does not, nor does a lone digit.
func readable(name []word) bool {
	return len(name) > 1 || len(name) == 1 && !unspacedWord(name[0]) && strings.ContainsFunc(name[0].folded, unicode.IsLetter)
}

func unspacedWord(w word) bool {
	r, _ := utf8.DecodeRuneInString(w.folded)
	return unspaced(r)
}

// asName is a whole phrase as a name.
func asName(phrase string) string {
	line := text.Line(strings.Map(printable, strings.ToValidUTF8(phrase, " ")))
	if line == "" {
		return nameless
	}
	var name []word
	for w := range strings.FieldsSeq(line) {
		name = append(name, word{written: w, folded: folded(w)})
	}
	return cut(sentenceCase(name, shouts(name)))
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// cut shortens a name that is too long, between words where it can.
func cut(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return name
	}
	short := string([]rune(name)[:longestName])
	if at := strings.LastIndexByte(short, ' '); at > 0 {
		short = short[:at]
	}
	return text.Line(short)
}
