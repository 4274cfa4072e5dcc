package builtin

import (
	"strconv"
	"strings"

	"github.com/igny8/igny8/commands/planner"
)

// Keywords makes n different phrases as people search for them: topics of a few
// words, in the turns that each is asked about, for measurements. The same n gives
// the same phrases.
func Keywords(n int) []planner.Phrase {
	things := strings.Fields("coffee espresso latte grinder kettle scale filter machine mug thermos roaster tamper basket pump gasket steamer pitcher portafilter beans decaf")
	kinds := strings.Fields("manual electric ceramic steel glass portable travel commercial compact vintage ethiopian colombian italian turkish japanese organic dark light medium cold")
	makers := strings.Fields("alder birch cedar dahlia elm fern ginkgo hazel iris juniper kelp laurel maple nettle oak poppy quince rowan sage thyme")
	turns := strings.Split("best #|cheap #|# review|# vs automatic|how to clean #|# near me|buy # online|what is a #|# price|# for beginners|# repair|# parts|is a # worth it|# under 100|# recipe|# sizes", "|")
	phrases := make([]planner.Phrase, n)
	for i := range phrases {
		topic := i / len(turns)
		thing := things[topic%len(things)]
		topic /= len(things)
		thing = kinds[topic%len(kinds)] + " " + thing
		if topic /= len(kinds); topic > 0 {
			thing = makers[topic%len(makers)] + " " + thing
		}
		if topic /= len(makers); topic > 0 {
			thing += " " + strconv.Itoa(topic)
		}
		phrases[i] = planner.Phrase{Text: strings.Replace(turns[i%len(turns)], "#", thing, 1), Volume: int64(i*7919%5000) * 10}
	}
	return phrases
}
