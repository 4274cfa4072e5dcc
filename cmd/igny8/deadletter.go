package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
)

// letterKeeper looks after the events that consumer groups gave up.
type letterKeeper interface {
	// List gives up to limit letters in the order of their events.
	List(ctx context.Context, f deadletter.Filter, limit int) ([]deadletter.Letter, error)
	// Replay asks for the dead ones among them to be handled again, and counts
	// them; the process that works in their partitions does so.
	Replay(ctx context.Context, f deadletter.Filter) (int64, error)
}

type deadletterCommand struct {
	List   deadletterListCommand   `cmd:"" help:"List the events that groups of reactions gave up."`
	Show   deadletterShowCommand   `cmd:"" help:"Show all about one of them."`
	Replay deadletterReplayCommand `cmd:"" help:"Have them handled again."`
}

type deadletterListCommand struct {
	Group string             `help:"Only this group's." placeholder:"GROUP"`
	State []deadletter.State `help:"Only these states; dead and replaying by default." enum:"dead,replaying,replayed" default:"dead,replaying"`
	Limit int                `help:"At most so many." default:"100"`
}

// Help is shown by `igny8 deadletter list --help`.
func (deadletterListCommand) Help() string {
	return `A group of reactions that fails at an event a few times gives it up as a dead letter and goes on with the next. Mend the cause, then replay.

Examples:

  igny8 deadletter list
  igny8 deadletter list --group=tenancy.cascade --json | jq '.dead_letters[].error'`
}

// Run prints the letters, oldest event first.
func (c *deadletterListCommand) Run(ctx context.Context, s *session, p *parts) error {
	if c.Limit < 1 {
		return usageError{errors.New("--limit counts from 1")}
	}
	return with(ctx, s, p.deadletters, func(k letterKeeper) error {
		letters, err := k.List(ctx, deadletter.Filter{Groups: named(c.Group), States: c.State}, c.Limit)
		if err != nil {
			return err
		}
		if letters == nil {
			letters = []deadletter.Letter{}
		}
		return s.answer(map[string]any{"dead_letters": letters}, func(w io.Writer) error { return writeLetters(w, letters) })
	})
}

func named(group string) []string {
	if group == "" {
		return nil
	}
	return []string{group}
}

func writeLetters(w io.Writer, letters []deadletter.Letter) error {
	if len(letters) == 0 {
		_, err := fmt.Fprintln(w, "no dead letters")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "EVENT\tGROUP\tPOSITION\tTYPE\tSTATE\tATTEMPTS\tLAST FAILED\tERROR")
	for _, l := range letters {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\n", l.Event, l.Group, l.Position, l.Type, l.State, l.Attempts,
			l.Last.UTC().Format(time.RFC3339), firstLine(l.Error))
	}
	return table.Flush()
}

// firstLine is as much of an error as a table bears.
func firstLine(text string) string {
	const most = 80
	for i, r := range text {
		if r == '\n' || i >= most {
			return text[:i] + "..."
		}
	}
	return text
}

type deadletterShowCommand struct {
	Event es.ID `arg:"" help:"The event's id."`
}

// Help is shown by `igny8 deadletter show --help`.
func (deadletterShowCommand) Help() string {
	return "Example:\n\n  igny8 deadletter show 0199c0de-0000-7000-8000-000000000001"
}

// Run prints the event's letters, one for each group that gave it up.
func (c *deadletterShowCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.deadletters, func(k letterKeeper) error {
		letters, err := k.List(ctx, deadletter.Filter{Event: c.Event}, 100)
		if err != nil {
			return err
		}
		if len(letters) == 0 {
			return fmt.Errorf("no group gave the event %s up; see igny8 deadletter list", c.Event)
		}
		return s.answer(map[string]any{"dead_letters": letters}, func(w io.Writer) error {
			for _, l := range letters {
				_, err := fmt.Fprintf(w, "group     %s\nevent     %s\ntype      %s\nposition  %d\nstream    %s\naccount   %s\nrequest   %s\nstate     %s\nattempts  %d\nfailed    %s to %s\nerror     %s\n\n",
					l.Group, l.Event, l.Type, l.Position, l.Stream, l.Account, l.Request, l.State, l.Attempts,
					l.First.UTC().Format(time.RFC3339), l.Last.UTC().Format(time.RFC3339), l.Error)
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

type deadletterReplayCommand struct {
	Event es.ID  `arg:"" optional:"" help:"The event's id."`
	Group string `help:"All of this group's." placeholder:"GROUP"`
	All   bool   `help:"All there are."`
}

// Help is shown by `igny8 deadletter replay --help`.
func (deadletterReplayCommand) Help() string {
	return `The serving process that works in an event's partition calls the group's reactions again, never beside another event of the same aggregate, but after those that came since: reactions load what they decide on. An event that fails again is dead again, with its attempts added up. Asking twice changes nothing.

Examples:

  igny8 deadletter replay 0199c0de-0000-7000-8000-000000000001
  igny8 deadletter replay --group=tenancy.cascade
  igny8 deadletter replay --all`
}

// Run marks letters for replay.
func (c *deadletterReplayCommand) Run(ctx context.Context, s *session, p *parts) error {
	if !c.All && c.Group == "" && c.Event == (es.ID{}) || c.All && (c.Group != "" || c.Event != (es.ID{})) {
		return usageError{errors.New("name an event or a --group, or give --all for everything")}
	}
	return with(ctx, s, p.deadletters, func(k letterKeeper) error {
		n, err := k.Replay(ctx, deadletter.Filter{Groups: named(c.Group), Event: c.Event})
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"replaying": n}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%d dead letters will be replayed; see igny8 deadletter list\n", n)
			return err
		})
	})
}
