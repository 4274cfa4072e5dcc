package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// pageSize is how many events are read at once.
const pageSize = 1_000

type eventsCommand struct {
	Pull eventsPullCommand `cmd:"" help:"Print events in the order in which they happened."`
	Tail eventsTailCommand `cmd:"" help:"Print events as they happen, until Ctrl-C."`
}

type eventFilter struct {
	Types   []string `help:"Only these types; a * at the end matches what follows." placeholder:"TYPE,..."`
	Account es.ID    `help:"Only this account." placeholder:"ID"`
	Site    es.ID    `help:"Only this site." placeholder:"ID"`
}

func (f eventFilter) filter() es.Filter {
	return es.Filter{Types: f.Types, Account: f.Account, Site: f.Site}
}

type eventsPullCommand struct {
	eventFilter
	After int64 `help:"Begin after this position." placeholder:"POSITION"`
	Limit int64 `help:"At most so many events; 0 is all." default:"100"`
}

// Help is shown by `igny8 events pull --help`.
func (eventsPullCommand) Help() string {
	return `One line per event; with --json each line is an object with the envelope and the data. Personal fields stay sealed, purged data is null.

Examples:

  igny8 events pull --limit=20
  igny8 events pull --types='planner.keyword.*' --after=1000 --json
  igny8 events pull --account=0199c0de-0000-7000-8000-000000000001 --limit=0 --json > events.jsonl`
}

// Run prints events up to the end of the log, or the limit.
func (c *eventsPullCommand) Run(ctx context.Context, s *session, p *parts) error {
	if c.After < 0 || c.Limit < 0 {
		return usageError{errors.New("--after and --limit count from 0")}
	}
	return with(ctx, s, p.log, func(log projections.Log) error {
		head, err := log.Head(ctx)
		if err != nil {
			return fmt.Errorf("reading the end of the log: %w", err)
		}
		left := c.Limit
		for after := c.After; after < head && (c.Limit == 0 || left > 0); {
			size := int64(pageSize)
			if c.Limit > 0 {
				size = min(size, left)
			}
			page, err := log.Read(ctx, after, c.filter(), int(size))
			if err != nil {
				return fmt.Errorf("reading events after position %d: %w", after, err)
			}
			if err := s.printEvents(page.Events); err != nil {
				return err
			}
			left -= int64(len(page.Events))
			after = page.Through
		}
		return nil
	})
}

type eventsTailCommand struct {
	eventFilter
	After *int64 `help:"Begin after this position instead of at the end." placeholder:"POSITION"`
}

// Help is shown by `igny8 events tail --help`.
func (eventsTailCommand) Help() string {
	return `Examples:

  igny8 events tail
  igny8 events tail --types='planner.*' --after=0 --json`
}

// Run prints events as they are appended, until it is interrupted.
func (c *eventsTailCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.log, func(log projections.Log) error {
		after, err := log.Head(ctx)
		if err != nil {
			return fmt.Errorf("reading the end of the log: %w", err)
		}
		if c.After != nil {
			after = *c.After
		}
		for {
			page, err := log.Read(ctx, after, c.filter(), pageSize)
			if err == nil && page.Through == after {
				_, err = log.Wait(ctx, after)
			}
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				return fmt.Errorf("following the log after position %d: %w", after, err)
			}
			if err := s.printEvents(page.Events); err != nil {
				return err
			}
			after = page.Through
		}
	})
}

// printedEvent is a line of `igny8 events --json`.
type printedEvent struct {
	Position    int64           `json:"position"`
	ID          es.ID           `json:"id"`
	Type        string          `json:"type"`
	Stream      string          `json:"stream"`
	Revision    int64           `json:"revision"`
	RecordedAt  time.Time       `json:"recorded_at"`
	Account     es.ID           `json:"account_id"`
	Site        es.ID           `json:"site_id,omitzero"`
	Sector      es.ID           `json:"sector_id,omitzero"`
	Actor       string          `json:"actor"`
	Correlation es.ID           `json:"correlation_id,omitzero"`
	Causation   es.ID           `json:"causation_id,omitzero"`
	Command     es.ID           `json:"command_id"`
	Request     string          `json:"request_id,omitempty"`
	DataHash    string          `json:"data_hash"`
	Data        json.RawMessage `json:"data"` // null once it was purged
}

func printed(e es.Recorded) printedEvent {
	return printedEvent{
		Position: e.Position, ID: e.ID, Type: e.Type, Stream: e.Stream.String(), Revision: e.Revision,
		RecordedAt: e.RecordedAt.UTC(), Account: e.Stream.Account, Site: e.Site, Sector: e.Sector,
		Actor: e.Actor.String(), Correlation: e.Correlation, Causation: e.Causation, Command: e.Command,
		Request: e.Request, DataHash: fmt.Sprintf("%x", e.DataHash), Data: e.Data,
	}
}

func (s *session) printEvents(events []es.Recorded) error {
	for _, e := range events {
		line := printed(e)
		err := s.answer(line, func(w io.Writer) error {
			data := string(line.Data)
			if e.Purged {
				data = "(purged)"
			}
			_, err := fmt.Fprintf(w, "%8d  %s  %s  %s  %s\n", line.Position, line.RecordedAt.Format(time.RFC3339), line.Type, line.Stream, data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
