// Package builtin does the work of a language model on short texts, by rules and
// counting: it finds the topics in keywords, names them, and tells what somebody
// wants who searches for one. It needs no key and no network, and gives the same
// answer every time.
package builtin

import "github.com/igny8/igny8/commands/planner"

// Text implements planner.Clusterer and planner.Intents. Its zero value is ready
// and safe for concurrent use.
type Text struct{}

// New gives the built-in provider.
func New() Text { return Text{} }

var (
	_ planner.Clusterer = Text{}
	_ planner.Intents   = Text{}
)
