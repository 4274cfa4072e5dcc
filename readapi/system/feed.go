package system

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/readapi"
)

// Log is the part of projections.Log that the feed needs.
type Log interface {
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
}

// Feed is what the pull feed reads from.
type Feed struct {
	Log      Log
	Registry *es.Registry
	Opener   projections.Opener
}

const (
	defaultLimit = 100
	mostEvents   = 1000
	cursorUse    = "events"
	// typePrefix is before every type's name in public.
	typePrefix = "igny8."
)

// CloudEvent is an event as others see it: CloudEvents 1.0 in JSON. What is
// nobody's (a site, a cause) is left out, since its attributes are never null.
type CloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Type            string    `json:"type" example:"igny8.planner.keyword.created.v1"`
	Source          string    `json:"source"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	AccountID       string    `json:"accountid"`
	SiteID          string    `json:"siteid,omitempty"`
	SectorID        string    `json:"sectorid,omitempty"`
	Actor           string    `json:"actor"`
	CorrelationID   string    `json:"correlationid"`
	CausationID     string    `json:"causationid,omitempty"`
	RequestID       string    `json:"requestid,omitempty"`
	Revision        int64     `json:"revision"`
	Position        int64     `json:"position"`
	// Data is the event's own; null once it was purged.
	Data json.RawMessage `json:"data"`
}

// Events is a stretch of the feed. Cursor is where to go on, also when there
// was nothing; it never goes back.
type Events struct {
	readapi.Top
	Results []CloudEvent `json:"results"`
	Cursor  string       `json:"cursor"`
}

// EventsQuery is what to read of the feed.
type EventsQuery struct {
	After  string `query:"after" doc:"The cursor of the last answer; empty starts with the account's first event."`
	Types  string `query:"types" doc:"Types separated by commas, or beginnings of them that end in *." example:"igny8.planner.*"`
	SiteID string `query:"site_id" doc:"Only of this site."`
	Limit  int    `query:"limit" minimum:"1" doc:"100 by default; more than 1000 is 1000."`
}

// Mount mounts GET /api/v1/system/events/: every event of the account, in
// order, none skipped, none twice.
func (f Feed) Mount(api *readapi.API) {
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "system/events/", Name: "system.events", Throttle: "system",
		Summary: "What happened in the account, in order",
	}, func(ctx context.Context, q *EventsQuery) (*Events, error) { return f.read(ctx, api, q) })
}

func (f Feed) read(ctx context.Context, api *readapi.API, q *EventsQuery) (*Events, error) {
	call := readapi.CallOf(ctx)
	who := call.Principal
	filter, err := filterOf(who.Account, q)
	if err != nil {
		return nil, err
	}
	var after int64
	if q.After != "" {
		var ok bool
		if after, ok = openCursor(api, who.Account, q.After); !ok {
			return nil, es.Refuse(es.NotFound, "invalid_cursor", "This cursor is not one that this account was given.")
		}
	}
	limit := defaultLimit
	if q.Limit > 0 {
		limit = min(q.Limit, mostEvents)
	}
	page, err := f.Log.Read(ctx, after, filter, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the feed: %w", err)
	}
	shown := slices.DeleteFunc(page.Events, func(rec es.Recorded) bool { return hidden(who, rec) })
	results, err := f.public(ctx, who.Account, shown)
	if err != nil {
		return nil, err
	}
	through := max(after, page.Through)
	call.TrueAt(who.Account, through)
	return &Events{Results: results, Cursor: api.Sign(cursorUse, who.Account, binary.AppendVarint(nil, through))}, nil
}

func openCursor(api *readapi.API, account es.ID, text string) (int64, bool) {
	payload, ok := api.Verify(cursorUse, account, text)
	if !ok {
		return 0, false
	}
	position, n := binary.Varint(payload)
	return position, n == len(payload) && position >= 0
}

// hidden says that an event is of a site that the caller was not granted, or,
// should the log ever err, of another account.
func hidden(who readapi.Principal, rec es.Recorded) bool {
	if rec.Stream.Account != who.Account {
		return true
	}
	return who.Sites != nil && rec.Site != (es.ID{}) && !slices.Contains(who.Sites, rec.Site)
}

var typeName = regexp.MustCompile(`^[a-z0-9_.]{1,100}\*?$`)

func filterOf(account es.ID, q *EventsQuery) (es.Filter, error) {
	filter := es.Filter{Account: account}
	if q.SiteID != "" {
		if len(q.SiteID) != 36 || filter.Site.UnmarshalText([]byte(q.SiteID)) != nil {
			return filter, es.Field("site_id", "This must be a UUID.")
		}
	}
	if q.Types == "" {
		return filter, nil
	}
	for name := range strings.SplitSeq(q.Types, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), typePrefix)
		if name == "*" || name == "" {
			name = "*"
		} else if !typeName.MatchString(name) {
			return filter, es.Field("types", "This takes names of types, or beginnings of them that end in *.")
		}
		filter.Types = append(filter.Types, name)
	}
	if len(filter.Types) > 50 {
		return filter, es.Field("types", "This takes at most 50 names.")
	}
	if slices.Contains(filter.Types, "*") {
		filter.Types = nil
	}
	return filter, nil
}

// public is the events as others see them, with their personal fields open.
func (f Feed) public(ctx context.Context, account es.ID, recs []es.Recorded) ([]CloudEvent, error) {
	events := make([]es.Event, len(recs))
	var sealed []*es.Personal
	for i, rec := range recs {
		e, err := f.Registry.Decode(rec)
		if err != nil {
			return nil, fmt.Errorf("decoding for the feed: %w", err)
		}
		if e == nil || !es.HasPersonal(reflect.TypeOf(e)) {
			continue
		}
		events[i] = es.WithPersonal(e, func(_ string, p *es.Personal) {
			field := *p
			sealed = append(sealed, &field)
		})
	}
	if len(sealed) > 0 {
		if err := f.Opener.OpenFields(ctx, account, sealed); err != nil {
			return nil, fmt.Errorf("opening personal fields for the feed: %w", err)
		}
	}
	out := make([]CloudEvent, len(recs))
	for i, rec := range recs {
		out[i] = envelope(rec)
		switch {
		case rec.Purged:
			out[i].Data = json.RawMessage("null")
		case events[i] == nil:
			out[i].Data = bytes.Clone(rec.Data)
		default:
			opened := es.WithPersonal(events[i], func(_ string, p *es.Personal) { *p, sealed = *sealed[0], sealed[1:] })
			data, err := json.Marshal(opened)
			if err != nil {
				return nil, fmt.Errorf("writing event %s: %w", rec.ID, err)
			}
			out[i].Data = data
		}
	}
	return out, nil
}

func envelope(rec es.Recorded) CloudEvent {
	return CloudEvent{
		SpecVersion: "1.0", ID: rec.ID.String(), Type: typePrefix + rec.Type,
		Source: "/accounts/" + rec.Stream.Account.String(), Subject: rec.Stream.Kind + "/" + rec.Stream.ID.String(),
		Time: rec.RecordedAt.UTC(), DataContentType: "application/json",
		AccountID: rec.Stream.Account.String(), SiteID: text(rec.Site), SectorID: text(rec.Sector),
		Actor: rec.Actor.String(), CorrelationID: text(rec.Correlation), CausationID: text(rec.Causation),
		RequestID: rec.Request, Revision: rec.Revision, Position: rec.Position,
	}
}

// text is an id, or nothing.
func text(id es.ID) string {
	if id == (es.ID{}) {
		return ""
	}
	return id.String()
}
