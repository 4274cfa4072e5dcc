package tasks

import (
	"context"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
)

// Group is the persisted name of the consumer group that keeps the queue.
const Group = "tasks"

// Reactions queue what was asked for, and what is to be tried again, and have
// what was cancelled end.
func Reactions(rows Rows) commands.Reactions {
	return commands.Reactions{
		Group: Group,
		Types: []string{
			tasks.TaskQueued{}.EventType(), tasks.TaskCancelRequested{}.EventType(), tasks.TaskReplayed{}.EventType(),
		},
		React: []commands.Reaction{func(ctx context.Context, rec es.Recorded, e es.Event) error {
			return react(ctx, rows, rec, e)
		}},
	}
}

func react(ctx context.Context, rows Rows, rec es.Recorded, e es.Event) error {
	switch e := e.(type) {
	case tasks.TaskQueued:
		return rows.Put(ctx, rec, Item{
			Task: rec.Stream.ID, Kind: e.Kind, Tenant: rec.Tenant(), Input: e.Input,
			Attempts: e.Attempts, Limit: time.Duration(e.LimitMillis) * time.Millisecond,
			Request: rec.Request, Correlation: rec.Correlation, Causation: rec.ID, Position: rec.Position,
		})
	case tasks.TaskCancelRequested:
		return rows.Cancel(ctx, rec)
	case tasks.TaskReplayed:
		return rows.Replay(ctx, rec, e.Attempts)
	}
	return nil
}
