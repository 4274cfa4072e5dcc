package system

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/igny8/igny8/commands"
	taskscommands "github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/projections/tasks"
	"github.com/igny8/igny8/readapi"
)

// Tasks serves an account's work in the background: as jobs to those who wait for
// it, and as tasks to those who look after it.
type Tasks struct {
	Bus     *commands.Bus
	Pending Pending
}

// Pending tells how far tasks are that wait or run. infra/tasks has one.
type Pending interface {
	// Progress leaves out those that neither wait nor run.
	Progress(ctx context.Context, account es.ID, ids []es.ID) (map[es.ID]taskscommands.Progress, error)
}

const (
	// again is when to ask for a job anew that has not ended, in seconds.
	again = 1
	// letGo is how long a cancel waits for who works on it, so that most answers
	// show it cancelled already.
	letGo = time.Second
)

// Mount mounts
//
//	GET    system/jobs/              the account's jobs
//	GET    system/jobs/{id}/         one of them, as it is now
//	DELETE system/jobs/{id}/         cancel it
//	GET    system/jobs/{id}/stream/  its progress as server-sent events
//	GET    system/tasks/             the same as tasks; state=dead are those to look after
//	GET    system/tasks/{id}/
//	POST   system/tasks/{id}/replay/ try a dead one again
//	POST   system/tasks/{id}/cancel/
func (t Tasks) Mount(api *readapi.API) {
	kind := tasks.Tasks().Kind().KindName()
	readapi.Resource(api, readapi.ResourceSpec[tasks.Job]{
		Path: "system/jobs", Kind: kind, Noun: "job", Table: polled{t.jobs()},
	})
	readapi.Resource(api, readapi.ResourceSpec[tasks.Task]{
		Path: "system/tasks", Kind: kind, Noun: "task", Table: tasks.Tasks(),
	},
		readapi.Act[taskscommands.Replay]("replay", "Have a dead task tried again, from what its attempts kept"),
		readapi.Act[taskscommands.Cancel]("cancel", "Stop a task"))
	readapi.Handle(api, readapi.Route{
		Method: http.MethodDelete, Path: "system/jobs/{id}/", Name: "system.jobs.cancel", Least: es.Editor,
		Summary:     "Cancel one job",
		Description: "It ends as soon as who works on it lets go: until then `cancelling` is true. What is done by then stays done.",
		Codes:       []int{http.StatusConflict},
	}, t.cancel)
	t.mountStream(api)
}

// jobs reads tasks as jobs.
func (t Tasks) jobs() tasks.Jobs {
	table := tasks.Tasks()
	return tasks.Jobs{
		Tasks: table,
		Load: func(ctx context.Context, account, id es.ID) (tasks.Task, error) {
			return commands.LoadRow[tasks.Task](ctx, t.Bus, table.Kind(), account, id)
		},
		Progress: func(ctx context.Context, account es.ID, ids []es.ID) (map[es.ID]tasks.JobProgress, error) {
			found, err := t.Pending.Progress(ctx, account, ids)
			if err != nil {
				return nil, err
			}
			progress := make(map[es.ID]tasks.JobProgress, len(found))
			for id, p := range found {
				progress[id] = tasks.JobProgress{Done: p.Done, Total: p.Total, Stage: p.Stage}
			}
			return progress, nil
		},
	}
}

// polled are jobs as clients ask for them again and again.
type polled struct{ tasks.Jobs }

// Get tells when to ask again. A job's progress changes without its ETag, so that
// none that has not ended is taken for unchanged.
func (p polled) Get(ctx context.Context, r *projections.Reader, scope table.Scope, id es.ID, q table.Query) (tasks.Job, int64, error) {
	job, at, err := p.Jobs.Get(ctx, r, scope, id, q)
	if err == nil && !job.Ended() {
		call := readapi.CallOf(ctx)
		call.Request.Header.Del("If-None-Match")
		call.Header().Set("Retry-After", strconv.Itoa(again))
	}
	return job, at, err
}

type jobPath struct {
	ID string `path:"id" doc:"The id of the job."`
}

func (t Tasks) cancel(ctx context.Context, in *jobPath) (*tasks.Job, error) {
	call := readapi.CallOf(ctx)
	job, _, err := t.visible(ctx, call, in.ID)
	if err != nil {
		return nil, err
	}
	request := call.Ask(taskscommands.Cancel{})
	request.Target = job.ID
	if _, err := call.Do(ctx, request); err != nil {
		return nil, fmt.Errorf("cancelling job %s: %w", job.ID, err)
	}
	for until := time.Now().Add(letGo); ; {
		job, at, err := t.visible(ctx, call, in.ID)
		switch {
		case err != nil:
			return nil, err
		case job.Ended() || time.Now().After(until):
			call.Shows(job.Base, at)
			return &job, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// visible is a job that who asks may see. Errors: es.NotFound.
func (t Tasks) visible(ctx context.Context, call *readapi.Call, text string) (tasks.Job, int64, error) {
	id, ok := parseID(text)
	if ok {
		job, at, err := t.jobs().Get(ctx, nil, scopeOf(call.Principal), id, table.Query{})
		if err == nil || es.ClassOf(err) != es.NotFound {
			return job, at, err
		}
	}
	return tasks.Job{}, 0, es.Refuse(es.NotFound, "", "There is no such job.")
}

func parseID(text string) (es.ID, bool) {
	var id es.ID
	ok := len(text) == 36 && id.UnmarshalText([]byte(text)) == nil
	return id, ok
}
