package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	taskrows "github.com/igny8/igny8/infra/tasks"
	jobs "github.com/igny8/igny8/projections/tasks"
)

// taskKeeper looks after work in the background, of all accounts.
type taskKeeper interface {
	List(ctx context.Context, s taskrows.Search) ([]taskrows.Entry, error)
	// Show gives a task as its events have it. Without an account it must wait,
	// run or be dead. Errors: es.NotFound.
	Show(ctx context.Context, account, id es.ID) (jobs.Job, error)
	// Ask carries out a command upon a task that waits, runs or is dead, by the
	// product itself. Errors: es.NotFound, es.Conflict "ended".
	Ask(ctx context.Context, id es.ID, payload any) error
}

// taskKeeping is a taskKeeper beside the igny8 that serves.
type taskKeeping struct {
	*taskrows.Table
	bus *commands.Bus
}

func (k taskKeeping) Show(ctx context.Context, account, id es.ID) (jobs.Job, error) {
	var at taskrows.Entry
	if account == (es.ID{}) {
		var err error
		if at, err = k.Find(ctx, id); err != nil {
			return jobs.Job{}, err
		}
		account = at.Account
	}
	task, err := commands.LoadRow[jobs.Task](ctx, k.bus, jobs.Tasks().Kind(), account, id)
	job := jobs.JobOf(task)
	if !job.Ended() {
		job.Progress = jobs.JobProgress{Done: at.Done, Total: at.Total, Stage: at.Stage}
	}
	return job, err
}

func (k taskKeeping) Ask(ctx context.Context, id es.ID, payload any) error {
	at, err := k.Find(ctx, id)
	if err != nil {
		return err
	}
	_, err = k.bus.Do(ctx, commands.Request{
		Tenant: es.Tenant{Account: at.Account}, Actor: es.System(), Target: id, Payload: payload,
	})
	return err
}

type tasksCommand struct {
	List   tasksListCommand   `cmd:"" help:"Show what waits, runs or is dead."`
	Show   tasksShowCommand   `cmd:"" help:"Show one task."`
	Replay tasksReplayCommand `cmd:"" help:"Have dead tasks tried again."`
	Cancel tasksCancelCommand `cmd:"" help:"Stop tasks that wait or run."`
}

type tasksListCommand struct {
	State   string `help:"Only these: waiting, running or dead." enum:",waiting,running,dead" default:"" placeholder:"STATE"`
	Kind    string `help:"Only this kind, such as planner.import_keywords." placeholder:"KIND"`
	Account es.ID  `help:"Only this account." placeholder:"ID"`
	Limit   int    `help:"At most so many." default:"100"`
}

// Help is shown by `igny8 tasks list --help`.
func (tasksListCommand) Help() string {
	return `A task is dead once it was tried as often as it may be, or was refused for what it was asked with. What succeeded or was cancelled is not listed: its events and igny8 tasks show tell about it.

Examples:

  igny8 tasks list
  igny8 tasks list --state=dead --json | jq -r '.tasks[] | select(.refused | not) | .id'`
}

// Run prints tasks of all accounts.
func (c *tasksListCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.tasks, func(k taskKeeper) error {
		all, err := k.List(ctx, taskrows.Search{State: c.State, Kind: c.Kind, Account: c.Account, Limit: max(1, c.Limit)})
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"tasks": all}, func(w io.Writer) error { return writeTasks(w, all) })
	})
}

func writeTasks(w io.Writer, all []taskrows.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TASK\tACCOUNT\tKIND\tSTATE\tSINCE\tATTEMPT\tPROGRESS")
	for _, t := range all {
		state, progress := t.State, "-"
		switch {
		case t.Cancelling:
			state += ", cancelling"
		case t.Refused:
			state += ", refused"
		}
		if t.Stage != "" {
			progress = fmt.Sprintf("%s %d", t.Stage, t.Done)
			if t.Total > 0 {
				progress += fmt.Sprintf("/%d", t.Total)
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\n",
			t.ID, t.Account, t.Kind, state, t.Since.UTC().Format(time.DateTime), t.Attempt, t.LastAttempt, progress)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the tasks: %w", err)
	}
	return nil
}

type tasksShowCommand struct {
	Task    es.ID `arg:"" help:"The id of the task, or job."`
	Account es.ID `help:"Its account, for one that has succeeded or was cancelled." placeholder:"ID"`
}

// Help is shown by `igny8 tasks show --help`.
func (tasksShowCommand) Help() string {
	return "Example:\n\n  igny8 tasks show 0199c0de-0000-7000-8000-000000000001"
}

// Run prints a task as its client sees the job.
func (c *tasksShowCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.tasks, func(k taskKeeper) error {
		job, err := k.Show(ctx, c.Account, c.Task)
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"task": job}, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(job)
		})
	})
}

type tasksReplayCommand struct {
	Tasks []es.ID `arg:"" help:"The ids of the tasks."`
}

// Help is shown by `igny8 tasks replay --help`.
func (tasksReplayCommand) Help() string {
	return `They are tried as often as at first, from what their attempts kept; nothing that is done is done twice. Mend the cause before. The igny8 that serves does the work.

Example:

  igny8 tasks list --state=dead --json | jq -r '.tasks[].id' | xargs igny8 tasks replay`
}

// Run replays tasks.
func (c *tasksReplayCommand) Run(ctx context.Context, s *session, p *parts) error {
	return askTasks(ctx, s, p, c.Tasks, tasks.Replay{}, "is tried again")
}

type tasksCancelCommand struct {
	Tasks []es.ID `arg:"" help:"The ids of the tasks."`
}

// Help is shown by `igny8 tasks cancel --help`.
func (tasksCancelCommand) Help() string {
	return "One that runs ends as soon as it lets go; what is done by then stays done.\n\nExample:\n\n  igny8 tasks cancel 0199c0de-0000-7000-8000-000000000001"
}

// Run cancels tasks.
func (c *tasksCancelCommand) Run(ctx context.Context, s *session, p *parts) error {
	return askTasks(ctx, s, p, c.Tasks, tasks.Cancel{}, "is being cancelled")
}

func askTasks(ctx context.Context, s *session, p *parts, ids []es.ID, payload any, what string) error {
	return with(ctx, s, p.tasks, func(k taskKeeper) error {
		for _, id := range ids {
			if err := k.Ask(ctx, id, payload); err != nil {
				return fmt.Errorf("task %s: %w", id, err)
			}
			err := s.answer(map[string]any{"task_id": id}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s %s\n", id, what)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
