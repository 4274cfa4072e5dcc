package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

// typePrefix is before every type's name in public.
const typePrefix = eventschema.PublicPrefix

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
