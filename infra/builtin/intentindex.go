package builtin

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An intentRule says what its terms promise, and how surely, in percent. Its
// terms are lines of a language, a colon, and terms with commas between. A term is
// words that follow each other in a phrase; ^ before it holds it to the phrase's
// beginning and $ after it to its end, alone as both; # is any number.
type intentRule struct {
	intent     intentNumber
	confidence int64
	terms      string
}

// An intentTerm is a rule's term, ready to be found.
type intentTerm struct {
	words        []string
	starts, ends bool
	language     string
	intent       intentNumber
	confidence   int64
}

// termIndex are terms by their first words, the longest first.
type termIndex map[string][]intentTerm

// number stands for any number in terms.
const number = "#"

var intentIndex = indexTerms(intentRules)

func indexTerms(rules []intentRule) termIndex {
	index := termIndex{}
	for _, rule := range rules {
		for line := range strings.SplitSeq(strings.TrimSpace(rule.terms), "\n") {
			language, terms, _ := strings.Cut(strings.TrimSpace(line), ":")
			for term := range strings.SplitSeq(terms, ",") {
				t := intentTerm{language: language, intent: rule.intent, confidence: rule.confidence}
				term, t.starts = strings.CutPrefix(strings.TrimSpace(term), "^")
				term, t.ends = strings.CutSuffix(term, "$")
				t.words = termWords(term)
				index[t.words[0]] = append(index[t.words[0]], t)
			}
		}
	}
	for first := range index {
		slices.SortStableFunc(index[first], func(a, b intentTerm) int { return len(b.words) - len(a.words) })
	}
	return index
}

func termWords(term string) []string {
	var all []string
	for part := range strings.FieldsSeq(term) {
		if part == number {
			all = append(all, number)
			continue
		}
		all = append(all, words(part)...)
	}
	return all
}

// match is what the terms in a phrase's words promise. The longest term at a
// place hides shorter ones there and within it, so that "deal with" is no deal;
// terms of one length are all heard.
func (index termIndex) match(phrase []string) (found evidence) {
	for at := 0; at < len(phrase); {
		longest := 0
		for _, key := range [...]string{phrase[at], number} {
			if key == number && !isNumber(phrase[at]) {
				continue
			}
			for _, t := range index[key] {
				if len(t.words) < longest {
					break
				}
				if t.at(phrase, at) {
					longest = len(t.words)
					found.hear(t.intent, t.confidence)
				}
			}
		}
		at += max(1, longest)
	}
	return found
}

func (t intentTerm) at(phrase []string, at int) bool {
	end := at + len(t.words)
	if end > len(phrase) || t.starts && at > 0 || t.ends && end < len(phrase) {
		return false
	}
	for i, w := range t.words {
		got := phrase[at+i]
		if got != w && (w != number || !isNumber(got)) {
			return false
		}
	}
	return true
}

func isNumber(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return unicode.IsDigit(first) && !strings.ContainsFunc(word, unicode.IsLetter)
}
