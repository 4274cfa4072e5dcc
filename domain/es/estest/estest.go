// Package estest specifies decisions: given these events, when this is asked,
// then these events follow. It needs no store, bus or clock.
package estest

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
)

// The world of a case, unless it says otherwise.
var (
	Account = uuid.MustParse("01900000-0000-7000-8000-0000000000a1")
	Site    = uuid.MustParse("01900000-0000-7000-8000-0000000000b1")
	Sector  = uuid.MustParse("01900000-0000-7000-8000-0000000000c1")
	Target  = uuid.MustParse("01900000-0000-7000-8000-0000000000d1")
	Command = uuid.MustParse("01900000-0000-7000-8000-0000000000e1")
	Now     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// RetentionDays is the retention window of a case, unless it says otherwise.
const RetentionDays = 14

// Decider is a command: what is asked, and the decision about it.
type Decider[S any] interface {
	Decide(env es.Env, state S) ([]es.Event, error)
}

// Case is an aggregate with a past, and the moment at which something is asked.
type Case[S any] struct {
	t    testing.TB
	kind es.Kind[S]
	past []es.Event
	env  es.Env
}

// Given is an aggregate with these events in its past, each a minute after the
// one before, the last one an hour before Now.
func Given[S any](t testing.TB, kind es.Kind[S], events ...es.Event) *Case[S] {
	made := 0
	return &Case[S]{t: t, kind: kind, past: events, env: es.Env{
		Tenant: es.Tenant{Account: Account, Site: Site, Sector: Sector}, Now: Now, RetentionDays: RetentionDays,
		Actor: es.Actor{Kind: es.UserActor, ID: es.Derive(Command, "user", 0), Role: es.Owner},
		NewID: func() es.ID { made++; return ID(made) },
	}}
}

// ID is the n-th id, from 1, that a decision of a case makes.
func ID(n int) es.ID { return es.Derive(Command, "new", n) }

// InTenant sets whose data the case is about, also in its past.
func (c *Case[S]) InTenant(tenant es.Tenant) *Case[S] { c.env.Tenant = tenant; return c }

// By sets who asks, and who did what is past.
func (c *Case[S]) By(actor es.Actor) *Case[S] { c.env.Actor = actor; return c }

// At sets when it is asked.
func (c *Case[S]) At(now time.Time) *Case[S] { c.env.Now = now; return c }

// WithRetention sets the account's retention window, in days.
func (c *Case[S]) WithRetention(days int) *Case[S] { c.env.RetentionDays = days; return c }

// When asks the command.
func (c *Case[S]) When(d Decider[S]) *Result[S] {
	events, err := d.Decide(c.env, c.State())
	return &Result[S]{c: c, events: events, err: err}
}

// Delete asks a soft delete for itself, under the id that ID(1) gives.
func (c *Case[S]) Delete(reason string) *Result[S] {
	if err := c.kind.KeptBy(c.State()); err != nil {
		return &Result[S]{c: c, err: err}
	}
	e := c.kind.EntityOf(c.State())
	return &Result[S]{c: c, events: e.Delete(c.env, ID(1), reason, false)}
}

// Restore asks to undo a soft delete.
func (c *Case[S]) Restore() *Result[S] {
	e := c.kind.EntityOf(c.State())
	events, err := e.Restore(c.env, es.ID{}, false)
	return &Result[S]{c: c, events: events, err: err}
}

// Purge asks to give the data up.
func (c *Case[S]) Purge() *Result[S] {
	e := c.kind.EntityOf(c.State())
	events, err := e.Purge(c.env)
	return &Result[S]{c: c, events: events, err: err}
}

// State is what the past comes to. Events go through their stored form on the
// way, so that whatever is lost there is missing from the state.
func (c *Case[S]) State() S { return c.fold(c.past) }

func (c *Case[S]) fold(events []es.Event) S {
	state := c.kind.Zero()
	for i, e := range events {
		state = c.kind.Fold(state, es.Envelope{
			Stream: es.StreamID{Account: c.env.Tenant.Account, Kind: c.kind.Name, ID: Target}, Revision: int64(i + 1),
			Site: c.env.Tenant.Site, Sector: c.env.Tenant.Sector, Actor: c.env.Actor, Type: c.kind.TypeName(e),
			RecordedAt: Now.Add(-time.Hour - time.Duration(len(c.past)-1-i)*time.Minute),
		}, stored(c.kind, e))
	}
	s, _ := state.(S)
	return s
}

// Result is what was decided.
type Result[S any] struct {
	c      *Case[S]
	events []es.Event
	err    error
}

// Then fails unless exactly these events follow.
func (r *Result[S]) Then(want ...es.Event) {
	r.c.t.Helper()
	if r.err != nil {
		r.c.t.Fatalf("refused: %v", describe(r.err))
	}
	if len(want) != len(r.events) {
		r.c.t.Fatalf("events:\n  %s\nwant:\n  %s", list(r.events), list(want))
	}
	for i := range want {
		if !reflect.DeepEqual(r.events[i], want[i]) {
			r.c.t.Fatalf("event %d:\n  %s\nwant:\n  %s", i, list(r.events[i:i+1]), list(want[i:i+1]))
		}
	}
}

// ThenNothing fails unless it was allowed and changes nothing.
func (r *Result[S]) ThenNothing() { r.c.t.Helper(); r.Then() }

// ThenRefused fails unless it was refused so. An empty code is the class's own.
func (r *Result[S]) ThenRefused(class es.Class, code string) {
	r.c.t.Helper()
	var e *es.Error
	if code == "" {
		code = string(class)
	}
	if !errors.As(r.err, &e) || e.Class != class || e.Word() != code {
		r.c.t.Fatalf("decided %v, %s; want a refusal %s/%s", describe(r.err), list(r.events), class, code)
	}
}

// ThenFaulty fails unless it was refused as invalid for exactly these fields.
func (r *Result[S]) ThenFaulty(paths ...string) {
	r.c.t.Helper()
	r.ThenRefused(es.Invalid, "")
	var e *es.Error
	errors.As(r.err, &e)
	want := map[string]bool{}
	for _, p := range paths {
		want[p] = true
		if len(e.Fields[p]) == 0 {
			r.c.t.Errorf("no fault about %q in %v", p, e.Fields)
		}
	}
	for p := range e.Fields {
		if !want[p] {
			r.c.t.Errorf("a fault about %q: %v", p, e.Fields[p])
		}
	}
}

// State is the state once what was decided is recorded; a refusal fails.
func (r *Result[S]) State() S {
	r.c.t.Helper()
	if r.err != nil {
		r.c.t.Fatalf("refused: %v", describe(r.err))
	}
	return r.c.fold(append(r.c.past[:len(r.c.past):len(r.c.past)], r.events...))
}

func describe(err error) any {
	var e *es.Error
	if errors.As(err, &e) {
		return map[string]any{"class": e.Class, "code": e.Word(), "message": e.Message, "fields": e.Fields}
	}
	return err
}

func list(events []es.Event) string {
	out := ""
	for i, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			data = []byte(err.Error())
		}
		if i > 0 {
			out += "\n  "
		}
		out += e.EventType() + " " + string(data)
	}
	if out == "" {
		return "nothing"
	}
	return out
}
