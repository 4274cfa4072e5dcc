// Package tasks shows the work in the background of an account.
package tasks

import (
	"encoding/json"
	"net/url"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// ReadModels are the module's.
func ReadModels() []projections.Projection { return []projections.Projection{Tasks()} }

// Table is the table of tasks. Its filter state=dead stands for failed and
// timed_out.
type Table struct{ *table.Table[Task] }

// Tasks is the table of tasks.
func Tasks() Table {
	return Table{table.New(table.Spec[Task]{Name: "tasks_tasks", Version: 1, Kind: tasks.Kind, Evolve: evolve})}
}

// Task is work in the background. What it answers is its job's to show.
type Task struct {
	table.Base
	Kind  string `db:"kind" json:"kind" filter:"eq,in"`
	State string `db:"state" json:"state" filter:"eq,in"`
	// Attempts is how often it was begun.
	Attempts int64 `db:"attempts" json:"attempts"`
	// Cancelling says that it ends as soon as who works on it lets go.
	Cancelling bool `db:"cancelling" json:"cancelling"`
	// ErrorCode and ErrorMessage say why the last attempt failed; null where none
	// did, or it succeeded since.
	ErrorCode    *string `db:"error_code" json:"error_code" filter:"eq,in"`
	ErrorMessage *string `db:"error_message" json:"error_message"`

	// Done is how much a task that succeeded was, where that was counted.
	Done int64 `db:"done" json:"done"`

	// Result is in rows folded from the stream only, which a job is.
	Result json.RawMessage `db:"-" json:"-"`
}

func evolve(row *Task, e es.Event) {
	switch e := e.(type) {
	case tasks.TaskQueued:
		row.Kind, row.State = e.Kind, string(tasks.Queued)
	case tasks.TaskStarted:
		row.State, row.Attempts = string(tasks.Running), int64(e.Attempt)
	case tasks.TaskSucceeded:
		row.end(tasks.Succeeded, "", "")
		row.Result, row.Done = e.Result, e.Done
	case tasks.TaskFailed:
		row.failed(tasks.Failed, e.Final, e.Code, e.Message)
	case tasks.TaskTimedOut:
		row.failed(tasks.TimedOut, e.Final, "timed_out", "It took longer than it may.")
	case tasks.TaskCancelRequested:
		row.Cancelling = true
	case tasks.TaskCancelled:
		row.end(tasks.Cancelled, "", "")
	case tasks.TaskReplayed:
		row.State, row.Cancelling = string(tasks.Queued), false
	}
}

func (t *Task) failed(as tasks.State, final bool, code, message string) {
	cancelling := t.Cancelling && !final
	if !final {
		as = tasks.Queued
	}
	t.end(as, code, message)
	t.Cancelling = cancelling
}

func (t *Task) end(state tasks.State, code, message string) {
	t.State, t.Cancelling, t.ErrorCode, t.ErrorMessage = string(state), false, nil, nil
	if code != "" {
		t.ErrorCode, t.ErrorMessage = &code, &message
	}
}

// Ended says whether nothing more happens by itself.
func (t Task) Ended() bool { return tasks.State(t.State).Ended() }

// Parse reads a list's parameters, as table.Table does.
func (t Table) Parse(params url.Values) (table.Query, error) {
	q, err := t.Table.Parse(params)
	if err != nil {
		return q, err
	}
	for i, f := range q.Filters {
		if f.Field != "state" || f.Op != table.Eq && f.Op != table.In {
			continue
		}
		var values []string
		for _, value := range f.Values {
			if value == "dead" {
				values = append(values, string(tasks.Failed), string(tasks.TimedOut))
				continue
			}
			values = append(values, value)
		}
		if len(values) != 1 {
			q.Filters[i].Op = table.In
		}
		q.Filters[i].Values = values
	}
	return q, nil
}
