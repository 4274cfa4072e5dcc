package system

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// EventsFilter picks events of the feed; conditions are ANDed, and without any
// all of the account's events are picked.
type EventsFilter struct {
	Types         string `query:"types" doc:"Types separated by commas, or beginnings of them that end in *." example:"igny8.planner.*"`
	SiteID        string `query:"site_id" doc:"Only of this site."`
	SectorID      string `query:"sector_id" doc:"Only of this sector."`
	Subject       string `query:"subject" doc:"Only of this aggregate, or of all of its kind." example:"planner.keyword/01890000-0000-7000-8000-000000000009"`
	Actor         string `query:"actor" doc:"Only what this actor caused." example:"user:01890000-0000-7000-8000-000000000009"`
	CorrelationID string `query:"correlation_id" doc:"Only of this correlation: a request and all that followed from it."`
	RequestID     string `query:"request_id" doc:"Only of the request with this X-Request-ID, and what followed from it."`
	Since         string `query:"since" doc:"Only what was recorded then or later, RFC 3339." example:"2026-01-02T03:04:05Z"`
	Until         string `query:"until" doc:"Only what was recorded before, RFC 3339."`
}

const mostTypes = 50

var (
	typeName  = regexp.MustCompile(`^[a-z0-9_.]{1,100}\*?$`)
	kindName  = regexp.MustCompile(`^[a-z0-9_.]{1,100}$`)
	requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
)

// of is the filter within an account. Its error is es.Invalid and names every
// parameter that is bad.
func (q *EventsFilter) of(account es.ID) (es.Filter, error) {
	bad := map[string][]string{}
	id := func(name, text string) (id es.ID) {
		if text != "" && (len(text) != 36 || id.UnmarshalText([]byte(text)) != nil || id == es.ID{}) {
			bad[name] = []string{"This must be a UUID."}
		}
		return id
	}
	when := func(name, text string) (at time.Time) {
		if text == "" {
			return at
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || at.Year() < 1 || at.Year() > 9999 {
			bad[name] = []string{"This must be a time as RFC 3339 has it: 2026-01-02T03:04:05Z. A + in it is written as %2B."}
		}
		return at.UTC()
	}
	f := es.Filter{
		Account: account, Site: id("site_id", q.SiteID), Sector: id("sector_id", q.SectorID),
		Correlation: id("correlation_id", q.CorrelationID), Request: q.RequestID,
		Since: when("since", q.Since), Until: when("until", q.Until),
	}
	var err error
	if f.Types, err = typesOf(q.Types); err != nil {
		bad["types"] = []string{err.Error()}
	}
	if q.Subject != "" {
		kind, aggregate, one := strings.Cut(q.Subject, "/")
		f.Kind = kind
		if !kindName.MatchString(kind) || one && (len(aggregate) != 36 || f.Aggregate.UnmarshalText([]byte(aggregate)) != nil || f.Aggregate == es.ID{}) {
			bad["subject"] = []string{"This must be a kind, or a kind and an id: planner.keyword/<id>."}
		}
	}
	if q.Actor != "" {
		if f.Actor, err = es.ParseActor(q.Actor); err != nil || f.Actor.String() != strings.ToLower(q.Actor) {
			bad["actor"] = []string{"This must be an actor as events have it: user:<id>, api_key:<id> or system."}
		}
	}
	if q.RequestID != "" && !requestID.MatchString(q.RequestID) {
		bad["request_id"] = []string{"This must be an X-Request-ID: 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'."}
	}
	if len(bad) > 0 {
		return f, &es.Error{Class: es.Invalid, Message: "Validation failed", Fields: bad}
	}
	return f, nil
}

type badTypes string

func (e badTypes) Error() string { return string(e) }

// typesOf reads names of types; nil are all of them.
func typesOf(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var types []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), typePrefix)
		if name == "" {
			name = "*"
		}
		if name != "*" && !typeName.MatchString(name) {
			return nil, badTypes("This takes names of types, or beginnings of them that end in *.")
		}
		types = append(types, name)
	}
	switch {
	case len(types) > mostTypes:
		return nil, badTypes("This takes at most 50 names.")
	case slices.Contains(types, "*"):
		return nil, nil
	default:
		return types, nil
	}
}
