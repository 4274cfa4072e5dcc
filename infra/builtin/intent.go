package builtin

import "github.com/igny8/igny8/commands/planner"

// Intents is not there yet.
func (Text) Intents(string) ([]planner.Intent, int64) {
	return []planner.Intent{planner.Informational}, 10
}
