package tasks

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// Job is a task as those see it who wait for it.
type Job struct {
	table.Base
	Kind  string `db:"kind" json:"kind"`
	State string `db:"state" json:"state" enum:"queued,running,succeeded,failed,cancelled,timed_out"`
	// Cancelling says that it ends as soon as who works on it lets go.
	Cancelling bool        `db:"cancelling" json:"cancelling"`
	Progress   JobProgress `db:"-" json:"progress"`
	// Result is what it answers; null until it succeeded, and in lists.
	Result json.RawMessage `db:"-" json:"result"`
	Error  *JobError       `db:"-" json:"error"`
	// Attempts is how often it was begun.
	Attempts int64 `db:"attempts" json:"attempts"`
}

// JobProgress is how far a job is. Total 0 is unknown.
type JobProgress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Stage string `json:"stage"`
}

// JobError says why the last attempt failed.
type JobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Ended says whether nothing more happens by itself.
func (j Job) Ended() bool { return tasks.State(j.State).Ended() }

// JobOf is a task's job, without the progress of one that runs.
func JobOf(t Task) Job {
	j := Job{
		Base: t.Base, Kind: t.Kind, State: t.State, Cancelling: t.Cancelling, Attempts: t.Attempts,
		Result: t.Result, Progress: JobProgress{Done: t.Done, Total: t.Done},
	}
	if t.ErrorCode != nil && t.ErrorMessage != nil {
		j.Error = &JobError{Code: *t.ErrorCode, Message: *t.ErrorMessage}
	}
	return j
}

// Jobs is the table of tasks read as jobs: lists from the read model, one of them
// from its stream, so that it never lags, and progress from those that work.
type Jobs struct {
	Tasks Table
	// Load folds a task from its stream. Errors: es.NotFound.
	Load func(ctx context.Context, account, id es.ID) (Task, error)
	// Progress is that of the tasks among ids that wait or run.
	Progress func(ctx context.Context, account es.ID, ids []es.ID) (map[es.ID]JobProgress, error)
}

// Columns are the table's.
func (j Jobs) Columns() []table.Column { return j.Tasks.Columns() }

// Parse reads a list's parameters, as Table does.
func (j Jobs) Parse(params url.Values) (table.Query, error) { return j.Tasks.Parse(params) }

// Open has nothing to open: a job holds nothing personal.
func (Jobs) Open(context.Context, projections.Opener, es.ID, ...*Job) error { return nil }

// List reads one page, as table.Table does.
func (j Jobs) List(ctx context.Context, r *projections.Reader, scope table.Scope, q table.Query) (table.Page[Job], error) {
	of, err := j.Tasks.List(ctx, r, scope, q)
	page := table.Page[Job]{
		Rows: make([]Job, len(of.Rows)), Count: of.Count, Number: of.Number, Size: of.Size,
		HasNext: of.HasNext, HasPrevious: of.HasPrevious, Next: of.Next, Previous: of.Previous, Position: of.Position,
	}
	if err != nil {
		return page, err
	}
	for i, t := range of.Rows {
		page.Rows[i] = JobOf(t)
	}
	return page, j.tell(ctx, scope.Account, page.Rows)
}

// Get reads one job, as it is now.
func (j Jobs) Get(ctx context.Context, _ *projections.Reader, scope table.Scope, id es.ID, q table.Query) (Job, int64, error) {
	t, err := j.Load(ctx, scope.Account, id)
	if err != nil {
		return Job{}, 0, err
	}
	if !scope.AllSites && t.SiteID != nil && !slices.Contains(scope.Sites, *t.SiteID) {
		return Job{}, 0, es.Refuse(es.NotFound, "", "There is no such job.")
	}
	jobs := []Job{JobOf(t)}
	err = j.tell(ctx, scope.Account, jobs)
	return jobs[0], max(t.Position, q.AtLeast), err
}

// tell fills in the progress of the jobs that have not ended, by one query.
func (j Jobs) tell(ctx context.Context, account es.ID, jobs []Job) error {
	var ids []es.ID
	for _, job := range jobs {
		if !job.Ended() {
			ids = append(ids, job.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	progress, err := j.Progress(ctx, account, ids)
	if err != nil {
		return err
	}
	for i := range jobs {
		if p, ok := progress[jobs[i].ID]; ok {
			jobs[i].Progress = p
		}
	}
	return nil
}
