package builtin

import (
	"slices"
	"strings"

	"github.com/igny8/igny8/commands/planner"
)

// Confidences, in percent, where no rule says anything: most searches want to
// know something, and the longer ones more surely.
const (
	wordless, short, long = 10, 20, 30
	longWords             = 5
)

// doubt is what a second intent takes from the first one's confidence.
const doubt = 10

// Intents goes by what words promise: intentRules has them, with the confidence
// of each. An intent is as sure as its surest rule; the surest intent comes first,
// and at most one more with it. Of equally sure ones the rarer comes first:
// navigational, transactional, commercial, informational. A second one takes 10
// from the confidence. Where no rule speaks, a phrase is informational, with 20,
// or with 30 from five words on, or with 10 without any word. The percents are
// estimates that order the rules, not measured shares.
func (Text) Intents(phrase string) (intents []planner.Intent, confidence int64) {
	all := words(phrase)
	found := intentIndex.match(all)
	if site(phrase) {
		found.hear(navigational, siteConfidence)
	}
	first := found.surest(none)
	if first == none {
		switch {
		case len(all) == 0:
			confidence = wordless
		case len(all) < longWords:
			confidence = short
		default:
			confidence = long
		}
		return []planner.Intent{planner.Informational}, confidence
	}
	second := found.surest(first)
	if second == none {
		return []planner.Intent{intentNames[first]}, found[first]
	}
	return []planner.Intent{intentNames[first], intentNames[second]}, found[first] - doubt
}

// An intentNumber is an intent as an index, the rarest first.
type intentNumber int

const (
	none intentNumber = iota - 1
	navigational
	transactional
	commercial
	informational
)

var intentNames = [...]planner.Intent{planner.Navigational, planner.Transactional, planner.Commercial, planner.Informational}

// evidence is how sure each intent is, in percent; 0 is not heard of.
type evidence [len(intentNames)]int64

func (e *evidence) hear(intent intentNumber, confidence int64) {
	e[intent] = max(e[intent], confidence)
}

// surest is the intent that is most sure but for one; none where there is none.
func (e *evidence) surest(but intentNumber) intentNumber {
	found, most := none, int64(0)
	for i, confidence := range e {
		if intentNumber(i) != but && confidence > most {
			found, most = intentNumber(i), confidence
		}
	}
	return found
}

// siteConfidence is how sure a domain's name makes that its site is wanted.
// Questions about a site are surer.
const siteConfidence = 85

// topLevel are the domains' ends that people type; those that are as well the
// end of a file's or a program's name are left out.
var topLevel = strings.Fields(`com org net io co uk de fr es it nl pl ru br tr gov edu app dev ai info tv me cn jp pt at ch be eu us ca au in mx ar cl se dk fi cz gr ro hu ua ie nz za kr shop store`)

// notSites are programs whose names read as domains.
var notSites = strings.Fields(`asp.net vb.net ado.net ml.net paint.net`)

// site says that a phrase holds an address of the web: "www", "https" or a
// domain's name.
func site(phrase string) bool {
	if !strings.ContainsAny(phrase, ".:") {
		return false
	}
	for part := range strings.FieldsSeq(strings.ToLower(phrase)) {
		part = strings.TrimRight(part, ".,;:!?)")
		if strings.HasPrefix(part, "www.") || strings.HasPrefix(part, "http://") || strings.HasPrefix(part, "https://") {
			return true
		}
		host, _, _ := strings.Cut(part, "/")
		dot := strings.LastIndexByte(host, '.')
		if dot > 0 && slices.Contains(topLevel, host[dot+1:]) && !slices.Contains(notSites, host) && !strings.Contains(host, "..") {
			return true
		}
	}
	return false
}
