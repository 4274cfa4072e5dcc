package main

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	taskrows "github.com/igny8/igny8/infra/tasks"
	jobs "github.com/igny8/igny8/projections/tasks"
)

// oneTask is a keeper of one dead task.
type oneTask struct {
	entry  taskrows.Entry
	search taskrows.Search
	asked  []any
}

func (k *oneTask) List(_ context.Context, s taskrows.Search) ([]taskrows.Entry, error) {
	k.search = s
	return []taskrows.Entry{k.entry}, nil
}

func (k *oneTask) Show(_ context.Context, _, id es.ID) (jobs.Job, error) {
	return jobs.Job{Kind: k.entry.Kind, State: "failed"}, k.known(id)
}

func (k *oneTask) Ask(_ context.Context, id es.ID, payload any) error {
	k.asked = append(k.asked, payload)
	return k.known(id)
}

func (k *oneTask) known(id es.ID) error {
	if id != k.entry.ID {
		return es.Refuse(es.NotFound, "", "No task %s waits, runs or is dead.", id)
	}
	return nil
}

func TestTasksAreListedShownReplayedAndCancelled(t *testing.T) {
	t.Parallel()
	k, closed := &oneTask{entry: taskrows.Entry{ID: es.ID{7}, Kind: "test.work", State: "dead", Attempt: 3, LastAttempt: 3}}, false
	p := parts{tasks: opened[taskKeeper](k, &closed)}
	id := k.entry.ID.String()
	for line, want := range map[string]string{
		"tasks list --state=dead":    "test.work",
		"tasks list --json":          `"tasks":[{`,
		"tasks show " + id:           `"state": "failed"`,
		"tasks replay " + id:         id + " is tried again",
		"tasks cancel --json " + id:  `{"task_id":"` + id + `"}`,
		"tasks list --help":          "  igny8 tasks list",
		"tasks replay --help":        "igny8 tasks replay",
		"tasks list --kind=a --json": "test.work",
	} {
		if got := call(t, p, line); got.code != exitDone || !strings.Contains(got.stdout, want) {
			t.Errorf("igny8 %s: %+v", line, got)
		}
	}
	if len(k.asked) != 2 || !reflect.DeepEqual(map[any]bool{k.asked[0]: true, k.asked[1]: true}, map[any]bool{tasks.Replay{}: true, tasks.Cancel{}: true}) || !closed {
		t.Errorf("asked %v, closed %v", k.asked, closed)
	}
	if got := call(t, p, "tasks show "+es.ID{8}.String()); got.code != exitFailed || !strings.Contains(got.stderr, "No task") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "tasks list --state=lost"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}
