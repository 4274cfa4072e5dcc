package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// projectionKeeper looks after the read models. Names are the projections'
// ("planner_keywords").
type projectionKeeper interface {
	// Status tells about every projection that this program knows, in order.
	Status(ctx context.Context) ([]projectionStatus, error)
	// Rebuild makes a read model anew beside the old one, puts it in its place
	// and returns how many events it read. Readers see either, never half.
	Rebuild(ctx context.Context, name string, tell tellProgress) (events int64, err error)
	// Compare makes a read model anew beside the old one and counts the rows
	// that differ; the old one stays.
	Compare(ctx context.Context, name string, tell tellProgress) (differing int64, err error)
	// Retry tries a parked account's events again.
	Retry(ctx context.Context, name string, account es.ID) error
}

// tellProgress says how far a stage is; a total of 0 is unknown.
type tellProgress func(stage string, done, total int64)

// projectionStatus is how far a read model is.
type projectionStatus struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Position is the last event it reflects, Head the last there is.
	Position int64           `json:"position"`
	Head     int64           `json:"head"`
	Parked   []parkedAccount `json:"parked"`
}

// parkedAccount is an account whose events wait because one of them failed.
type parkedAccount struct {
	Account  es.ID     `json:"account_id"`
	Position int64     `json:"position"` // of the event that failed
	Since    time.Time `json:"since"`
	Error    string    `json:"error"`
}

type projectionsCommand struct {
	Status  projectionsStatusCommand `cmd:"" help:"Show how far each read model is, and what is parked."`
	Retry   projectionsRetryCommand  `cmd:"" help:"Try a parked account's events again."`
	Rebuild rebuildCommand           `cmd:"" help:"Make read models anew from the events."`
}

type projectionsStatusCommand struct{}

// Help is shown by `igny8 projections status --help`.
func (projectionsStatusCommand) Help() string {
	return `An account is parked in a read model when one of its events could not be folded: its later events wait, everybody else's go on, and its reads answer 503. Mend the cause, then retry.

Examples:

  igny8 projections status
  igny8 projections status --json | jq '.projections[] | select(.parked != [])'`
}

// Run prints the status of all read models.
func (*projectionsStatusCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.projections, func(k projectionKeeper) error {
		all, err := k.Status(ctx)
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"projections": all}, func(w io.Writer) error { return writeStatus(w, all) })
	})
}

func writeStatus(w io.Writer, all []projectionStatus) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PROJECTION\tVERSION\tPOSITION\tBEHIND\tPARKED")
	for _, p := range all {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", p.Name, p.Version, p.Position, p.Head-p.Position, len(p.Parked))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	for _, p := range all {
		for _, a := range p.Parked {
			_, _ = fmt.Fprintf(w, "\n%s: account %s is parked at position %d since %s: %s\n  igny8 projections retry %s --account=%s\n",
				p.Name, a.Account, a.Position, a.Since.UTC().Format(time.RFC3339), a.Error, p.Name, a.Account)
		}
	}
	return nil
}

type projectionsRetryCommand struct {
	Name    string `arg:"" help:"The read model, such as planner_keywords."`
	Account es.ID  `required:"" placeholder:"ID" help:"The parked account."`
}

// Help is shown by `igny8 projections retry --help`.
func (projectionsRetryCommand) Help() string {
	return "Example:\n\n  igny8 projections retry planner_keywords --account=0199c0de-0000-7000-8000-000000000001"
}

// Run folds a parked account's events again.
func (c *projectionsRetryCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.projections, func(k projectionKeeper) error {
		if err := k.Retry(ctx, c.Name, c.Account); err != nil {
			return err
		}
		return s.answer(map[string]any{"projection": c.Name, "account_id": c.Account}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s: account %s is up to date again\n", c.Name, c.Account)
			return err
		})
	})
}

type rebuildCommand struct {
	Names []string `arg:"" optional:"" help:"The read models, such as planner_keywords."`
	All   bool     `help:"Every read model."`
	Check bool     `help:"Keep the old ones and fail when a row differs from what the events say."`
}

// Help is shown by `igny8 rebuild --help`.
func (rebuildCommand) Help() string {
	return `A read model is folded anew from all events beside the old one, and then takes its place; the API goes on answering meanwhile. With --check nothing changes: it proves that the read models say what the events say.

Examples:

  igny8 rebuild planner_keywords
  igny8 rebuild --all
  igny8 rebuild --all --check --json`
}

// rebuilt is the outcome for one read model.
type rebuilt struct {
	Name    string  `json:"name"`
	Events  int64   `json:"events,omitempty"`
	Differ  *int64  `json:"differing_rows,omitempty"` // only with --check
	Seconds float64 `json:"seconds"`
}

// Run rebuilds or checks the named read models, or all.
func (c *rebuildCommand) Run(ctx context.Context, s *session, p *parts) error {
	if c.All == (len(c.Names) > 0) {
		return usageError{fmt.Errorf("name the read models, or give --all for every one")}
	}
	return with(ctx, s, p.projections, func(k projectionKeeper) error {
		names, err := c.chosen(ctx, k)
		if err != nil {
			return err
		}
		differing := []string{}
		done := make([]rebuilt, 0, len(names))
		for _, name := range names {
			r, err := c.one(ctx, s, k, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if r.Differ != nil && *r.Differ > 0 {
				differing = append(differing, name)
			}
			done = append(done, r)
		}
		err = s.answer(map[string]any{"projections": done}, func(w io.Writer) error { return writeRebuilt(w, done) })
		if err == nil && len(differing) > 0 {
			return fmt.Errorf("read models that differ from the events: %s; igny8 rebuild mends them", strings.Join(differing, ", "))
		}
		return err
	})
}

func (c *rebuildCommand) chosen(ctx context.Context, k projectionKeeper) ([]string, error) {
	all, err := k.Status(ctx)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, p := range all {
		known = append(known, p.Name)
	}
	if c.All {
		return known, nil
	}
	for _, name := range c.Names {
		if !slices.Contains(known, name) {
			return nil, usageError{fmt.Errorf("there is no read model %q; there are %s", name, strings.Join(known, ", "))}
		}
	}
	return c.Names, nil
}

func (c *rebuildCommand) one(ctx context.Context, s *session, k projectionKeeper, name string) (rebuilt, error) {
	bar, stage := s.progress("events"), ""
	defer bar.Finish()
	tell := func(now string, done, total int64) {
		if now != stage {
			stage = now
			bar.Stage(name+": "+now, total)
		}
		bar.Set(done, total)
	}
	r, from := rebuilt{Name: name}, time.Now()
	var err error
	if c.Check {
		r.Differ = new(int64)
		*r.Differ, err = k.Compare(ctx, name, tell)
	} else {
		r.Events, err = k.Rebuild(ctx, name, tell)
	}
	r.Seconds = time.Since(from).Seconds()
	return r, err
}

func writeRebuilt(w io.Writer, all []rebuilt) error {
	for _, r := range all {
		text := fmt.Sprintf("%s: made anew from %d events", r.Name, r.Events)
		if r.Differ != nil {
			text = r.Name + ": equal to the events"
			if *r.Differ > 0 {
				text = fmt.Sprintf("%s: %d rows differ from the events", r.Name, *r.Differ)
			}
		}
		if _, err := fmt.Fprintf(w, "%s (%.1f s)\n", text, r.Seconds); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
	}
	return nil
}
