package builtin

import (
	"strconv"

	"github.com/igny8/igny8/commands/planner"
)

func nameGroups(phrases []planner.Phrase, groups [][]int) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = phrases[g[0]].Text + " " + strconv.Itoa(i)
	}
	return names
}

func primaryOf(_ []planner.Phrase, members []int, _ func(int) float64) int { return members[0] }
