package builtin

import (
	"math"

	"github.com/igny8/igny8/commands/planner"
)

// primaryOf is the member that a page should be written for: where the volumes'
// logarithm, as a share of the group's greatest, and the likeness to the other
// members, as a share of the greatest, add up to most. A search that is ten times
// rarer thus needs to be clearly closer to what the group is about. Of equals it
// is the one searched for more, then the shorter, then the first.
func primaryOf(phrases []planner.Phrase, members []int, centrality func(int) float64) int {
	mostSearched, mostCentral := 0.0, 0.0
	central := make([]float64, len(members))
	for i, m := range members {
		central[i] = centrality(m)
		mostSearched, mostCentral = max(mostSearched, searched(phrases[m])), max(mostCentral, central[i])
	}
	share := func(part, whole float64) float64 {
		if whole == 0 {
			return 0
		}
		return part / whole
	}
	primary, most := members[0], -1.0
	for i, m := range members {
		score := share(searched(phrases[m]), mostSearched) + share(central[i], mostCentral)
		p, best := phrases[m], phrases[primary]
		if score > most || score == most && (p.Volume > best.Volume || p.Volume == best.Volume && len(p.Text) < len(best.Text)) {
			primary, most = m, score
		}
	}
	return primary
}

// searched is how much a phrase's searches weigh: by their logarithm, as a few
// phrases have most of them.
func searched(p planner.Phrase) float64 { return math.Log1p(float64(max(0, p.Volume))) }
