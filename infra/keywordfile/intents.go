package keywordfile

import (
	"slices"
	"strings"

	"github.com/igny8/igny8/commands/planner"
)

// intentConfidence is how sure a tool's label is, in percent: most tools guess
// it from the results page.
const intentConfidence = 90

// intentsOf reads the intents of a cell in any notation: "Informational,
// Commercial", "informational", "I, N", and what tools write in other languages.
// What is no intent, such as "Branded" or "Local", is left out.
func intentsOf(cell string) []planner.Intent {
	if noData[strings.ToLower(strings.TrimSpace(cell))] {
		return nil
	}
	var intents []planner.Intent
	for _, word := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;/|+&[]\" \t\r\n", r) }) {
		if intent := intentOf(strings.ToLower(word)); intent != "" && !slices.Contains(intents, intent) {
			intents = append(intents, intent)
		}
	}
	return intents
}

func intentOf(word string) planner.Intent {
	switch word {
	case "i":
		return planner.Informational
	case "n":
		return planner.Navigational
	case "c":
		return planner.Commercial
	case "t":
		return planner.Transactional
	}
	for _, known := range []struct {
		intent planner.Intent
		starts []string
	}{
		{planner.Informational, []string{"info", "bilgi", "инф", "信息", "情報"}},
		{planner.Navigational, []string{"navig", "naveg", "gezin", "нав", "导航", "ナビ", "案内"}},
		{planner.Commercial, []string{"commerc", "comerc", "kommerz", "ticari", "комм", "商业", "商業", "商用"}},
		{planner.Transactional, []string{"transa", "transak", "işlem", "транз", "交易", "取引"}},
	} {
		for _, start := range known.starts {
			if strings.HasPrefix(word, start) {
				return known.intent
			}
		}
	}
	return ""
}

// isTrue reads a column that says yes or no.
func isTrue(cell string) bool {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "true", "1", "yes", "y", "x", "✓":
		return true
	default:
		return false
	}
}
