package tasks

import (
	"context"
	"encoding/json"

	"github.com/igny8/igny8/domain/tasks"
)

// Trial carries tasks out at once in this process, for the tests of their kinds.
// What an attempt saves and works out is in memory, and lasts for the next one.
type Trial struct {
	Run Run // what the attempts are told; Attempt counts up

	state, out json.RawMessage
	// Stages are the stages that progress was told of, each once.
	Stages []string
}

// Do makes one attempt at a task of the kind and gives its result.
func (t *Trial) Do(ctx context.Context, k Kind, in any) (any, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	t.Run.Attempt++
	t.Run.Kind, t.Run.attempt = k.Name, t
	if k.work != nil && t.out == nil {
		if t.out, err = k.work(ctx, &t.Run, raw); err != nil {
			return nil, err
		}
	}
	return k.apply(ctx, &t.Run, raw, t.out)
}

// End tells the kind that the task ended.
func (t *Trial) End(ctx context.Context, k Kind, in any, state tasks.State) error {
	raw, err := json.Marshal(in)
	if err != nil || k.ended == nil {
		return err
	}
	t.Run.attempt = t
	return k.ended(ctx, &t.Run, raw, state)
}

func (t *Trial) progress(stage string, _, _ int64) {
	if n := len(t.Stages); n == 0 || t.Stages[n-1] != stage {
		t.Stages = append(t.Stages, stage)
	}
}

func (t *Trial) save(_ context.Context, state json.RawMessage) error {
	t.state = state
	return nil
}

func (t *Trial) saved() json.RawMessage { return t.state }
