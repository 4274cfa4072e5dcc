package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/igny8/igny8/infra/scheduler"
)

// scheduleKeeper looks after periodic work.
type scheduleKeeper interface {
	List(ctx context.Context) ([]scheduler.Schedule, error)
	// Ask makes a work due now; one that does not exist is es.NotFound.
	Ask(ctx context.Context, name string) error
}

type schedulesCommand struct {
	List schedulesListCommand `cmd:"" help:"Show what is done periodically, and what became of it."`
	Run  schedulesRunCommand  `cmd:"" help:"Have a work done now, by the igny8 that serves."`
}

type schedulesListCommand struct{}

// Help is shown by `igny8 schedules list --help`.
func (schedulesListCommand) Help() string {
	return `Times are UTC. A run without an end is at it, or was cut off and begins again with the next process that plays the role scheduler.

Examples:

  igny8 schedules list
  igny8 schedules list --json | jq '.schedules[] | select(.failures > 0)'`
}

// Run prints every schedule.
func (*schedulesListCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.schedules, func(k scheduleKeeper) error {
		all, err := k.List(ctx)
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"schedules": all}, func(w io.Writer) error { return writeSchedules(w, all) })
	})
}

func writeSchedules(w io.Writer, all []scheduler.Schedule) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "WORK\tWHEN\tLAST RUN\tTOOK\tNEXT RUN\tOUTCOME")
	for _, s := range all {
		last, took, outcome := "-", "-", s.Detail
		if s.StartedAt != nil {
			last = s.StartedAt.UTC().Format(time.DateTime)
		}
		if s.StartedAt != nil && s.EndedAt != nil {
			took = s.EndedAt.Sub(*s.StartedAt).Round(time.Millisecond).String()
		}
		if s.Error != "" {
			outcome = fmt.Sprintf("failed %d times: %s", s.Failures, s.Error)
		}
		next := "now"
		if s.NextAt.Unix() > 0 {
			next = s.NextAt.UTC().Format(time.DateTime)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Spec, last, took, next, outcome)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the schedules: %w", err)
	}
	return nil
}

type schedulesRunCommand struct {
	Name string `arg:"" help:"The work, such as retention.purge."`
}

// Help is shown by `igny8 schedules run --help`.
func (schedulesRunCommand) Help() string {
	return "It returns at once; igny8 schedules list shows what became of it.\n\nExample:\n\n  igny8 schedules run retention.purge"
}

// Run makes a work due.
func (c *schedulesRunCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.schedules, func(k scheduleKeeper) error {
		if err := k.Ask(ctx, c.Name); err != nil {
			return err
		}
		return s.answer(map[string]any{"schedule": c.Name}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s is due now\n", c.Name)
			return err
		})
	})
}
