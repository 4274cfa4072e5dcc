package commands

import (
	"context"

	"github.com/igny8/igny8/domain/es"
)

// Reaction is what happens next, by itself, after an event. It is called at
// least once for each event; the commands it gives carry ids derived from the
// event (see Following), so that a repeat changes nothing. An error has it
// called again later.
type Reaction func(ctx context.Context, rec es.Recorded, e es.Event) error

// Reactions are what one consumer group does upon events. Each event of the
// types comes to the group at least once; those of one aggregate in order, and
// no order holds between aggregates: a reaction loads what it decides on.
type Reactions struct {
	// Group is the persisted name of the group. Another name starts at the
	// oldest event.
	Group string
	// Types are literal event types, or beginnings of them that end in "*".
	Types []string
	// React are called one after another. A reaction is milliseconds long: what
	// takes longer is a task. Errors that are es.Unavailable are tried again for
	// as long as it takes; any other a few times, then the event becomes a dead
	// letter and the group goes on.
	React []Reaction
}
