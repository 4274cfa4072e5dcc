package system

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

const (
	// streamPage is how many events are in memory for one reader, and streamStep
	// how many of them are made ready at once.
	streamPage = 50
	streamStep = 5
	// restMost is how long a stream rests after it found nothing of its account,
	// however busy the others are.
	restMost = 10 * time.Millisecond
)

// EventsStreamQuery is what to stream of the feed.
type EventsStreamQuery struct {
	After string `query:"after" doc:"Where to start without Last-Event-ID: a cursor; empty is the account's first event, latest the next one to come."`
	EventsFilter
}

func (f Feed) mountStream(api *readapi.API) {
	readapi.Stream(api, readapi.Route{
		Method: http.MethodGet, Path: "system/events/stream/", Name: "system.events.stream", Throttle: "system",
		Summary: "What happened in the account, in order, and what happens, as it does",
		Description: "Server-sent events without a name, so that an EventSource hands them to `onmessage`; each one's data is a " +
			"CloudEvent and its id a cursor. It goes on after `Last-Event-ID`, with nothing skipped and nothing twice.",
	}, func(ctx context.Context, q *EventsStreamQuery, to *readapi.EventStream[CloudEvent]) error {
		return f.stream(ctx, api, q, to)
	})
}

// stream sends what there is after the reader's place, page by page as fast as
// the reader takes it, and then what comes.
func (f Feed) stream(ctx context.Context, api *readapi.API, q *EventsStreamQuery, to *readapi.EventStream[CloudEvent]) error {
	who, err := to.Principal(ctx)
	if err != nil {
		return err
	}
	filter, err := q.of(who.Account)
	if err != nil {
		return err
	}
	start := to.LastEventID()
	if start == "" {
		start = q.After
	}
	at, err := f.place(ctx, api, who.Account, start)
	if err != nil {
		return err
	}
	to.Mark(cursor(api, who.Account, at))
	if err := to.Open(); err != nil {
		return err
	}
	rest := time.Duration(0)
	for {
		if _, err := f.Tail.Wait(ctx, at); err != nil {
			return err
		}
		if err := pause(ctx, rest); err != nil {
			return err
		}
		through, sent, err := f.sendPage(ctx, api, at, filter, to)
		if err != nil {
			return err
		}
		switch {
		case sent || through-at >= streamPage:
			rest = 0
		default:
			rest = longer(rest)
		}
		at = through
	}
}

// sendPage sends a page to whoever the reader is now, and says through which
// position it goes.
func (f Feed) sendPage(ctx context.Context, api *readapi.API, after int64, filter es.Filter, to *readapi.EventStream[CloudEvent]) (through int64, sent bool, err error) {
	who, err := to.Principal(ctx)
	if err != nil {
		return after, false, err
	}
	shown, through, err := f.page(ctx, who, after, filter, streamPage)
	if err != nil {
		return after, false, err
	}
	for step := range slices.Chunk(shown, streamStep) {
		results, err := f.public(ctx, who.Account, step)
		if err != nil {
			return after, false, err
		}
		events := make([]readapi.ServerEvent[CloudEvent], len(results))
		for i, e := range results {
			events[i] = readapi.ServerEvent[CloudEvent]{ID: cursor(api, who.Account, e.Position), Data: e}
		}
		if err := to.Send(ctx, events...); err != nil {
			return after, false, err
		}
	}
	to.Mark(cursor(api, who.Account, through))
	return through, len(shown) > 0, nil
}

// longer is how long to rest after a rest that led to nothing.
func longer(rest time.Duration) time.Duration {
	return min(max(2*rest, time.Millisecond), restMost)
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
