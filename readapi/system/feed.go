package system

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/readapi"
)

// Log is the part of projections.Log that the feed reads.
type Log interface {
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
}

// Tail is the part of projections.Log that tells when there is more to read.
type Tail interface {
	Head(ctx context.Context) (int64, error)
	Wait(ctx context.Context, after int64) (int64, error)
}

// Feed is what the account's events are told from: one after another to whoever
// pulls them, and as a stream. Log may be one that reads within an account only;
// Tail is asked for positions alone.
type Feed struct {
	Log      Log
	Tail     Tail
	Registry *es.Registry
	Opener   projections.Opener
}

const (
	defaultLimit = 100
	mostEvents   = 1000
	cursorUse    = "events"
	// latest is the cursor of who wants only what is to come.
	latest = "latest"
	// search is how long one request looks on past events that its filter leaves
	// out before it answers with how far it came.
	search = time.Second
)

// Events is a stretch of the feed. Cursor is where to go on, also when there
// was nothing; it never goes back.
type Events struct {
	readapi.Top
	Results []CloudEvent `json:"results"`
	Cursor  string       `json:"cursor"`
}

// EventsQuery is what to read of the feed.
type EventsQuery struct {
	After string `query:"after" doc:"The cursor of the last answer, or the id of a server-sent event; empty starts with the account's first event, latest with the next one to come."`
	Limit int    `query:"limit" minimum:"1" doc:"100 by default; more than 1000 is 1000."`
	Wait  string `header:"Prefer" doc:"wait=N: where there is nothing yet, wait up to N seconds, at most 5, for something to come."`
	EventsFilter
}

// Mount mounts GET /api/v1/system/events/ and system/events/stream/: every event
// of the account, in order, none skipped, none twice. A cursor of either goes on
// in the other.
func (f Feed) Mount(api *readapi.API) {
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "system/events/", Name: "system.events", Throttle: "system",
		Summary: "What happened in the account, in order",
		Description: "Events as CloudEvents, oldest first. Ask again with `after` set to the `cursor` of the answer, also when " +
			"`results` was empty: a filter that picks little is searched for in steps, and the cursor says how far that came.",
	}, func(ctx context.Context, q *EventsQuery) (*Events, error) { return f.pull(ctx, api, q) })
	f.mountStream(api)
}

func (f Feed) pull(ctx context.Context, api *readapi.API, q *EventsQuery) (*Events, error) {
	call := readapi.CallOf(ctx)
	who := call.Principal
	filter, err := q.of(who.Account)
	if err != nil {
		return nil, err
	}
	wait, err := call.PreferredWait()
	if err != nil {
		return nil, err
	}
	after, err := f.place(ctx, api, who.Account, q.After)
	if err != nil {
		return nil, err
	}
	limit := defaultLimit
	if q.Limit > 0 {
		limit = min(q.Limit, mostEvents)
	}
	shown, through, err := f.search(ctx, who, after, filter, limit, wait)
	if err != nil {
		return nil, err
	}
	results, err := f.public(ctx, who.Account, shown)
	if err != nil {
		return nil, err
	}
	call.TrueAt(who.Account, through)
	return &Events{Results: results, Cursor: cursor(api, who.Account, through)}, nil
}

// search reads on until there is something to show, nothing is left to look at
// and the wait is over, or it has taken long enough.
func (f Feed) search(ctx context.Context, who readapi.Principal, after int64, filter es.Filter, limit int, wait time.Duration) ([]es.Recorded, int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	looking, stop := context.WithTimeout(ctx, max(search, wait))
	defer stop()
	rest := time.Duration(0)
	for {
		shown, through, err := f.page(ctx, who, after, filter, limit)
		if err != nil || len(shown) > 0 {
			return shown, through, err
		}
		after = through
		head, err := f.Tail.Head(ctx)
		if err != nil {
			return nil, after, fmt.Errorf("looking at the end of the feed: %w", err)
		}
		if head <= after {
			if wait <= 0 {
				return nil, after, nil
			}
			_, err := f.Tail.Wait(looking, after)
			if err == nil {
				err = pause(looking, rest)
				rest = longer(rest)
			}
			if err != nil {
				if looking.Err() != nil && ctx.Err() == nil {
					err = nil
				}
				return nil, after, err
			}
		}
		if looking.Err() != nil {
			return nil, after, ctx.Err()
		}
	}
}

// page reads what there is to show after a position, and through which it looked.
func (f Feed) page(ctx context.Context, who readapi.Principal, after int64, filter es.Filter, limit int) ([]es.Recorded, int64, error) {
	page, err := f.Log.Read(ctx, after, filter, limit)
	if err != nil {
		return nil, after, fmt.Errorf("reading the feed: %w", err)
	}
	shown := slices.DeleteFunc(page.Events, func(rec es.Recorded) bool { return hidden(who, rec) })
	return shown, max(after, page.Through), nil
}

// place is the position that a cursor stands for.
func (f Feed) place(ctx context.Context, api *readapi.API, account es.ID, text string) (int64, error) {
	switch text {
	case "":
		return 0, nil
	case latest:
		head, err := f.Tail.Head(ctx)
		if err != nil {
			return 0, fmt.Errorf("looking at the end of the feed: %w", err)
		}
		return head, nil
	}
	after, err := openCursor(api, account, text)
	if err != nil {
		return 0, es.Refuse(es.NotFound, "invalid_cursor", "This cursor is not one that this account was given.")
	}
	return after, nil
}

func cursor(api *readapi.API, account es.ID, position int64) string {
	return api.Sign(cursorUse, account, binary.AppendVarint(nil, position))
}

var errCursor = errors.New("no cursor")

func openCursor(api *readapi.API, account es.ID, text string) (int64, error) {
	payload, ok := api.Verify(cursorUse, account, text)
	if !ok {
		return 0, errCursor
	}
	position, n := binary.Varint(payload)
	if n != len(payload) || position < 0 {
		return 0, errCursor
	}
	return position, nil
}

// hidden says that an event is of a site that the caller was not granted, or,
// should the log ever err, of another account.
func hidden(who readapi.Principal, rec es.Recorded) bool {
	if rec.Stream.Account != who.Account {
		return true
	}
	return who.Sites != nil && rec.Site != (es.ID{}) && !slices.Contains(who.Sites, rec.Site)
}
