package readapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// mostItems is how many items one request may bring.
const mostItems = 100

// item is one of many things to do, or why it cannot be done.
type item struct {
	request commands.Request
	create  bool
	err     error
}

// itemOutcome is what became of an item.
type itemOutcome struct {
	status  int
	outcome commands.Outcome
	failed  *ItemError
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// each does the items at the same time, so that they are appended together,
// each under a command id of its own.
func (r *resource) each(ctx context.Context, call *Call, items []item) (reply, error) {
	outcomes := make([]itemOutcome, len(items))
	var group errgroup.Group
	for i, it := range items {
		group.Go(func() error {
			outcomes[i] = r.do(ctx, call, it, i)
			return nil
		})
	}
	_ = group.Wait() // the functions give no error: each has its place in outcomes.
	var last int64
	unsettled := false
	for _, o := range outcomes {
		last = max(last, o.outcome.Position)
		unsettled = unsettled || o.status >= http.StatusInternalServerError
	}
	if last > 0 && !call.DryRun {
		call.wrote = call.Principal.Account
		call.TrueAt(call.Principal.Account, last)
	}
	return reply{status: http.StatusOK, body: r.rows.many(outcomes), unsettled: unsettled}, nil
}

func (r *resource) do(ctx context.Context, call *Call, it item, i int) itemOutcome {
	outcome, err := commands.Outcome{}, it.err
	if err == nil {
		it.request.Command = es.Derive(call.Command, "item", i)
		outcome, err = r.carryOut(ctx, it.request)
	}
	if err != nil {
		f := r.failureOf(ctx, call, err)
		return itemOutcome{status: f.status, failed: &ItemError{Error: f.message, Code: f.code, Errors: f.fields}}
	}
	status := http.StatusOK
	if it.create && !call.DryRun {
		status = createdStatus(outcome)
	}
	return itemOutcome{status: status, outcome: outcome}
}

// carryOut turns a panic into the failure of its item alone: nothing recovers it
// outside of the request's own goroutine.
func (r *resource) carryOut(ctx context.Context, request commands.Request) (o commands.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.options.Bus.Do(ctx, request)
}

// bulk mounts one of the bulk operations.
func (r *resource) bulk(name, summary string, body *huma.Schema, items func(call *Call, body sent) ([]item, error)) {
	_, op := r.route(http.MethodPost, name+"/", name, summary)
	r.respond(op, http.StatusOK, r.rows.manyType())
	takes(op, body)
	r.register(op, served{blank: r.rows.blankMany, run: func(ctx context.Context) (reply, error) {
		call := CallOf(ctx)
		var body sent
		if err := json.Unmarshal(call.body, &body); err != nil || body == nil {
			return reply{}, badParameter("body", "This must be an object.")
		}
		all, err := items(call, body)
		if err != nil {
			return reply{}, err
		}
		return r.each(ctx, call, all)
	}})
}

// array takes the body's only list, of 1 to 100 items.
func array(body sent, name string) ([]json.RawMessage, error) {
	raw, ok := body[name]
	if !ok {
		return nil, badParameter(name, "This field is required.")
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 || len(all) > mostItems {
		return nil, badParameter(name, fmt.Sprintf("This must be an array of 1 to %d items.", mostItems))
	}
	return all, nil
}

// only refuses fields that a body does not have.
func only(body sent, names ...string) error {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	fields := map[string][]string{}
	for name := range body {
		if !known[name] {
			fields[name] = []string{"There is no such field."}
		}
	}
	if len(fields) > 0 {
		return invalid(fields)
	}
	return nil
}

func idOf(raw json.RawMessage) (es.ID, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		if id, ok := parseID(text); ok {
			return id, nil
		}
	}
	return es.ID{}, badParameter("id", "This must be a UUID.")
}

func bulkCreate[C any](r *resource, schema *huma.Schema) {
	body := object(map[string]*huma.Schema{"items": list(schema)}, "items")
	r.bulk("bulk_create", "Create up to 100, each alone", body, func(call *Call, body sent) ([]item, error) {
		if err := only(body, "items"); err != nil {
			return nil, err
		}
		raws, err := array(body, "items")
		if err != nil {
			return nil, err
		}
		items := make([]item, len(raws))
		for i, raw := range raws {
			c, err := decode[C](r.schemas, schema, raw)
			items[i] = item{request: creation(call, c), create: true, err: err}
		}
		return items, nil
	})
}

func bulkChange[C any](r *resource, schema *huma.Schema) {
	one := r.schemas.Schema(reflect.TypeFor[C](), false, "")
	for _, name := range []string{"id", "ids", "items"} {
		if one.Properties[name] != nil {
			panic("readapi: a change cannot have the field " + name + ": " + r.path)
		}
	}
	id := r.schemas.Schema(reflect.TypeFor[es.ID](), false, "")
	single := object(with(one.Properties, "id", id), append([]string{"id"}, one.Required...)...)
	same := object(with(one.Properties, "ids", list(id)), append([]string{"ids"}, one.Required...)...)
	body := &huma.Schema{OneOf: []*huma.Schema{object(map[string]*huma.Schema{"items": list(single)}, "items"), same}}
	r.bulk("bulk_update", "Change up to 100, each alone, each its own way or all the same", body, func(call *Call, body sent) ([]item, error) {
		if _, ok := body["ids"]; ok {
			return sameChange[C](r, call, body, schema)
		}
		if err := only(body, "items"); err != nil {
			return nil, err
		}
		raws, err := array(body, "items")
		if err != nil {
			return nil, err
		}
		items := make([]item, len(raws))
		for i, raw := range raws {
			items[i] = ownChange[C](r, call, raw, schema)
		}
		return items, nil
	})
}

// sameChange is one change of many aggregates.
func sameChange[C any](r *resource, call *Call, body sent, schema *huma.Schema) ([]item, error) {
	raws, err := array(body, "ids")
	if err != nil {
		return nil, err
	}
	rest := maps.Clone(body)
	delete(rest, "ids")
	raw, err := json.Marshal(rest)
	if err != nil {
		return nil, fmt.Errorf("taking the ids out of a body: %w", err)
	}
	c, err := decode[C](r.schemas, schema, raw)
	if err != nil {
		return nil, err
	}
	items := make([]item, len(raws))
	for i, raw := range raws {
		id, err := idOf(raw)
		items[i] = targeted(call, c, id, err)
	}
	return items, nil
}

// ownChange is an item with its id among the fields.
func ownChange[C any](r *resource, call *Call, raw json.RawMessage, schema *huma.Schema) item {
	var fields sent
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return item{err: badParameter("item", "This must be an object.")}
	}
	id, err := idOf(fields["id"])
	if err != nil {
		return item{err: err}
	}
	delete(fields, "id")
	rest, err := json.Marshal(fields)
	if err != nil {
		return item{err: fmt.Errorf("taking the id out of an item: %w", err)}
	}
	c, err := decode[C](r.schemas, schema, rest)
	return targeted(call, c, id, err)
}

func targeted(call *Call, payload any, id es.ID, err error) item {
	request := call.Ask(payload)
	request.Target, request.IfRevision = id, 0
	return item{request: request, err: err}
}

func bulkDelete(r *resource) {
	id := r.schemas.Schema(reflect.TypeFor[es.ID](), false, "")
	body := object(map[string]*huma.Schema{"ids": list(id), "reason": {Type: huma.TypeString, MaxLength: new(longestReason)}}, "ids")
	r.bulk("bulk_delete", "Soft-delete up to 100, each alone", body, func(call *Call, body sent) ([]item, error) {
		if err := only(body, "ids", "reason"); err != nil {
			return nil, err
		}
		raws, err := array(body, "ids")
		if err != nil {
			return nil, err
		}
		var reason string
		if raw, ok := body["reason"]; ok {
			if err := json.Unmarshal(raw, &reason); err != nil || len(reason) > longestReason {
				return nil, badParameter("reason", "This must be a text of at most 500 bytes.")
			}
		}
		items := make([]item, len(raws))
		for i, raw := range raws {
			id, err := idOf(raw)
			items[i] = targeted(call, commands.Delete{Kind: r.kind, Reason: reason}, id, err)
		}
		return items, nil
	})
}

func object(properties map[string]*huma.Schema, required ...string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Properties: properties, Required: required, AdditionalProperties: false}
}

func list(of *huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: of, MinItems: new(1), MaxItems: new(mostItems)}
}

func with(properties map[string]*huma.Schema, name string, s *huma.Schema) map[string]*huma.Schema {
	all := maps.Clone(properties)
	if all == nil {
		all = map[string]*huma.Schema{}
	}
	all[name] = s
	return all
}
