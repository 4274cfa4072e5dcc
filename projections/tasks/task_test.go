package tasks_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/projections/tasks"
)

// job folds events as the stream gives them.
func job(t *testing.T, events ...es.Event) tasks.Job {
	t.Helper()
	model := tasks.Tasks()
	var row any
	for i, e := range events {
		row = model.Fold(row, es.Recorded{Envelope: es.Envelope{
			Stream: es.StreamID{Account: es.ID{1}, Kind: domain.Kind.Name, ID: es.ID{2}}, Revision: int64(i + 1), Position: int64(i + 7),
			Type: e.EventType(), RecordedAt: time.Unix(int64(i), 0),
		}}, e)
	}
	task, ok := row.(tasks.Task)
	if !ok {
		t.Fatalf("a row of %T", row)
	}
	return tasks.JobOf(task)
}

func TestAJobTellsHowItsTaskIs(t *testing.T) {
	t.Parallel()
	queued := domain.TaskQueued{Kind: "test.work", Attempts: 3, LimitMillis: 1000}
	failed := domain.TaskFailed{Attempt: 1, Code: "internal", Message: "Sorry."}
	for _, c := range []struct {
		name       string
		events     []es.Event
		state      string
		code       string
		attempts   int64
		cancelling bool
	}{
		{"asked for", []es.Event{queued}, "queued", "", 0, false},
		{"begun", []es.Event{queued, domain.TaskStarted{Attempt: 1}}, "running", "", 1, false},
		{"between attempts", []es.Event{queued, domain.TaskStarted{Attempt: 1}, failed}, "queued", "internal", 1, false},
		{"to be cancelled between attempts", []es.Event{queued, domain.TaskStarted{Attempt: 1}, domain.TaskCancelRequested{}, failed}, "queued", "internal", 1, true},
		{"cancelled", []es.Event{queued, domain.TaskCancelRequested{}, domain.TaskCancelled{}}, "cancelled", "", 0, false},
		{"too slow", []es.Event{queued, domain.TaskStarted{Attempt: 1}, domain.TaskTimedOut{Attempt: 1, Final: true}}, "timed_out", "timed_out", 1, false},
		{
			"done after a failure",
			[]es.Event{queued, domain.TaskStarted{Attempt: 1}, failed, domain.TaskStarted{Attempt: 2}, domain.TaskSucceeded{Attempt: 2, Result: json.RawMessage(`{"n":1}`), Done: 9}},
			"succeeded", "", 2, false,
		},
	} {
		j := job(t, c.events...)
		code := ""
		if j.Error != nil {
			code = j.Error.Code
		}
		if j.State != c.state || code != c.code || j.Attempts != c.attempts || j.Cancelling != c.cancelling {
			t.Errorf("%s: %+v", c.name, j)
		}
		if c.state == "succeeded" && (string(j.Result) != `{"n":1}` || j.Progress != tasks.JobProgress{Done: 9, Total: 9}) {
			t.Errorf("%s: %+v", c.name, j)
		}
	}
}

func TestDeadStandsForWhatFailedOrTimedOut(t *testing.T) {
	t.Parallel()
	for params, want := range map[string][]string{
		"state=dead": {"failed", "timed_out"}, "state=queued": {"queued"}, "state__in=running,dead": {"running", "failed", "timed_out"},
	} {
		values, err := url.ParseQuery(params)
		if err != nil {
			t.Fatal(err)
		}
		q, err := tasks.Tasks().Parse(values)
		if err != nil || len(q.Filters) != 1 || !slices.Equal(q.Filters[0].Values, want) {
			t.Errorf("%s: %+v, %v", params, q.Filters, err)
		}
		if len(want) > 1 && q.Filters[0].Op != table.In {
			t.Errorf("%s is not one of many: %+v", params, q.Filters)
		}
	}
}
