package tasks_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	domain "github.com/igny8/igny8/domain/tasks"
)

func double() tasks.Kind {
	return tasks.Declare("test.double", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Do: func(_ context.Context, _ *tasks.Run, in input) (output, error) { return output{Sum: 2 * in.N}, nil },
	})
}

func TestATaskIsDoneAndAnswersItsResult(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{N: 21})
	last, state := r.ended(account, task)
	if s, ok := last.(domain.TaskSucceeded); !ok || text(s.Result) != `{"sum":42}` || state != domain.Succeeded {
		t.Errorf("ended as %s with %+v", state, last)
	}
	if story := r.types(account, task); story != "queued started succeeded" {
		t.Error(story)
	}
	r.until("its row is gone", func() bool { return r.rows("running")+r.rows("waiting")+r.rows("dead") == 0 })
}
