package readapi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/table"
)

// resource is a ResourceSpec that is being mounted, without its type.
type resource struct {
	*edge
	path           string // "planner/keywords"
	kind           string
	noun           string
	reads          es.Role
	requireIfMatch bool
	throttle       string
	rows           rows
}

// rows makes the envelopes of a row type.
type rows interface {
	// one is the envelope of a command's row, or of an empty one.
	one(o commands.Outcome) any
	dry(o commands.Outcome) any
	many(items []itemOutcome) any
	blankOne() any
	blankMany() any
	oneType() reflect.Type
	dryType() reflect.Type
	manyType() reflect.Type
}

func mountResource[R any](api *API, spec ResourceSpec[R], ops []ResourceOp) {
	path := strings.Trim(spec.Path, "/")
	r := &resource{
		edge: api.edge, path: path, kind: spec.Kind, noun: spec.Noun, reads: spec.Reads,
		requireIfMatch: spec.RequireIfMatch, throttle: spec.Throttle, rows: rowsOf[R]{},
	}
	if r.noun == "" {
		_, entity, _ := strings.Cut(spec.Kind, ".")
		r.noun = strings.ReplaceAll(entity, "_", " ")
	}
	reader := &collection[R]{resource: r, table: spec.Table, fields: fieldsOf(reflect.TypeFor[R]())}
	reader.mount()
	for _, op := range ops {
		op.mount(r)
	}
}

// route declares one of the resource's routes.
func (r *resource) route(method, rest, name, summary string) (*route, *huma.Operation) {
	declared := Route{
		Method: method, Path: r.path + "/" + rest, Name: strings.ReplaceAll(r.path, "/", ".") + "." + name,
		Summary: summary, Throttle: r.throttle, DryRuns: method != http.MethodGet,
	}
	if method == http.MethodGet {
		declared.Least = r.reads
	}
	one := r.declare(declared, false)
	op := r.operation(one)
	if strings.Contains(rest, "{id}") {
		op.Parameters = append(op.Parameters, r.idParam())
	}
	return one, op
}

// register mounts an operation that reads its input from the Call.
func (r *resource) register(op *huma.Operation, s served) {
	op.SkipValidateBody = true
	huma.Register(r.huma, *op, func(ctx context.Context, _ *struct{}) (*written, error) { return r.serve(ctx, s) })
}

// takes documents a body, which the handler itself checks.
func takes(op *huma.Operation, schema *huma.Schema) {
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

// id is the one that the path names; what is none names nothing that is there.
func (r *resource) id(call *Call) (es.ID, error) {
	id, ok := parseID(call.echo.Param("id"))
	if !ok {
		return id, r.missing()
	}
	return id, nil
}

func parseID(text string) (es.ID, bool) {
	var id es.ID
	if len(text) != 36 || id.UnmarshalText([]byte(text)) != nil {
		return es.ID{}, false
	}
	return id, true
}

// missing is the one answer for what is not there, or is another tenant's.
func (r *resource) missing() error {
	return es.Refuse(es.NotFound, "", "There is no such %s.", r.noun)
}

func mountCreate[C any](r *resource) {
	schema := r.schemas.Schema(reflect.TypeFor[C](), true, "")
	_, op := r.route(http.MethodPost, "", "create", "Create one "+r.noun)
	op.DefaultStatus = http.StatusCreated
	r.respond(op, http.StatusCreated, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.dryType())
	op.Responses["201"].Headers["Location"] = text("The new resource.")
	op.Responses["200"].Description = "It was there already with the same fields; or a dry run."
	takes(op, schema)
	r.register(op, served{blank: r.rows.blankOne, run: func(ctx context.Context) (reply, error) {
		call := CallOf(ctx)
		body, err := decode[C](r.schemas, schema, call.body)
		if err != nil {
			return reply{}, err
		}
		return r.create(ctx, call, creation(call, body))
	}})
	bulkCreate[C](r, schema)
}

// creation is a create's command, placed and named as its body says.
func creation(call *Call, body any) commands.Request {
	request := call.Ask(body)
	request.IfRevision = 0
	if placed, ok := body.(Placed); ok {
		request.Tenant.Site, request.Tenant.Sector = placed.Place()
	}
	if identified, ok := body.(Identified); ok {
		request.Target = identified.ClientID()
	}
	return request
}

func (r *resource) create(ctx context.Context, call *Call, request commands.Request) (reply, error) {
	outcome, err := call.Do(ctx, request)
	switch {
	case err != nil:
		return reply{}, err
	case call.DryRun:
		return reply{status: http.StatusOK, body: r.rows.dry(outcome)}, nil
	}
	call.Location(r.path + "/" + outcome.Stream.ID.String() + "/")
	return reply{status: createdStatus(outcome), body: r.rows.one(outcome)}, nil
}

// createdStatus tells a create from the same create again.
func createdStatus(o commands.Outcome) int {
	if o.Changed() {
		return http.StatusCreated
	}
	return http.StatusOK
}

// alter carries out a command on the aggregate that the path names.
func (r *resource) alter(ctx context.Context, call *Call, payload any) (reply, error) {
	id, err := r.id(call)
	if err != nil {
		return reply{}, err
	}
	request := call.Ask(payload)
	request.Target = id
	outcome, err := call.Do(ctx, request)
	switch {
	case es.ClassOf(err) == es.NotFound && err != nil:
		return reply{}, r.missing()
	case err != nil:
		return reply{}, err
	case call.DryRun:
		return reply{status: http.StatusOK, body: r.rows.dry(outcome)}, nil
	}
	return reply{status: http.StatusOK, body: r.rows.one(outcome)}, nil
}

// conditional documents If-Match and refuses to go without where it is needed.
func (r *resource) conditional(op *huma.Operation) {
	op.Parameters = append(op.Parameters, header("If-Match", "The ETag that the resource must still have.", &huma.Schema{Type: huma.TypeString}))
	r.refuse(op, http.StatusPreconditionFailed)
	r.refuse(op, http.StatusGone)
	if r.requireIfMatch {
		r.refuse(op, http.StatusPreconditionRequired)
	}
}

func (r *resource) needsIfMatch(call *Call) error {
	if r.requireIfMatch && call.Request.Header.Get("If-Match") == "" {
		return &httpError{status: http.StatusPreconditionRequired, code: "if_match_required", message: "This needs If-Match with the resource's ETag."}
	}
	return nil
}

func mountChange[C any](r *resource) {
	schema := r.schemas.Schema(reflect.TypeFor[C](), true, "")
	_, op := r.route(http.MethodPatch, "{id}/", "change", "Change some fields of one "+r.noun)
	r.respond(op, http.StatusOK, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.dryType())
	r.conditional(op)
	takes(op, schema)
	r.register(op, served{blank: r.rows.blankOne, run: func(ctx context.Context) (reply, error) {
		call := CallOf(ctx)
		if err := r.needsIfMatch(call); err != nil {
			return reply{}, err
		}
		if _, err := r.id(call); err != nil {
			return reply{}, err
		}
		body, err := decode[C](r.schemas, schema, call.body)
		if err != nil {
			return reply{}, err
		}
		return r.alter(ctx, call, body)
	}})
	bulkChange[C](r, schema)
}

func mountAct[C any](r *resource, name, summary string) {
	schema := r.schemas.Schema(reflect.TypeFor[C](), true, "")
	_, op := r.route(http.MethodPost, "{id}/"+name+"/", name, summary)
	r.respond(op, http.StatusOK, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.dryType())
	r.conditional(op)
	empty := reflect.TypeFor[C]().NumField() == 0
	if !empty {
		takes(op, schema)
	}
	r.register(op, served{blank: r.rows.blankOne, run: func(ctx context.Context) (reply, error) {
		call := CallOf(ctx)
		raw := call.body
		if empty && len(raw) == 0 {
			raw = []byte("{}")
		}
		body, err := decode[C](r.schemas, schema, raw)
		if err != nil {
			return reply{}, err
		}
		return r.alter(ctx, call, body)
	}})
}

func mountLifecycle(r *resource) {
	_, op := r.route(http.MethodDelete, "{id}/", "delete", "Soft-delete one "+r.noun)
	op.Parameters = append(op.Parameters, query("reason", "Why, for the record.", &huma.Schema{Type: huma.TypeString, MaxLength: new(longestReason)}))
	r.respond(op, http.StatusOK, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.dryType())
	r.conditional(op)
	r.register(op, served{blank: r.rows.blankOne, run: func(ctx context.Context) (reply, error) {
		call := CallOf(ctx)
		if err := r.needsIfMatch(call); err != nil {
			return reply{}, err
		}
		reason, err := reasonOf(call)
		if err != nil {
			return reply{}, err
		}
		return r.alter(ctx, call, commands.Delete{Kind: r.kind, Reason: reason})
	}})

	_, op = r.route(http.MethodPost, "{id}/restore/", "restore", "Undo the deletion of one "+r.noun)
	r.respond(op, http.StatusOK, r.rows.oneType())
	r.respond(op, http.StatusOK, r.rows.dryType())
	r.conditional(op)
	r.register(op, served{blank: r.rows.blankOne, run: func(ctx context.Context) (reply, error) {
		return r.alter(ctx, CallOf(ctx), commands.Restore{Kind: r.kind})
	}})
	bulkDelete(r)
}

const longestReason = 500

func reasonOf(call *Call) (string, error) {
	reason := call.Request.URL.Query().Get("reason")
	if len(reason) > longestReason {
		return "", badParameter("reason", fmt.Sprintf("This may be %d bytes long.", longestReason))
	}
	return reason, nil
}

// rowsOf makes the envelopes of rows of type R.
type rowsOf[R any] struct{}

func (rowsOf[R]) row(o commands.Outcome) *R {
	switch row := o.Row.(type) {
	case R:
		return &row
	case *R:
		return row
	default:
		return nil
	}
}

func (f rowsOf[R]) one(o commands.Outcome) any { return &Data[*R]{Data: f.row(o)} }

func (f rowsOf[R]) dry(o commands.Outcome) any {
	return &Data[DryRun[*R]]{Data: DryRun[*R]{DryRun: true, Events: dryEvents([]commands.Outcome{o}), State: f.row(o)}}
}

func (f rowsOf[R]) many(items []itemOutcome) any {
	results := make([]ItemResult[R], len(items))
	for i, item := range items {
		results[i] = ItemResult[R]{Index: i, Status: item.status, Error: item.failed}
		if item.failed == nil {
			results[i].Data = f.row(item.outcome)
		}
	}
	return &Results[R]{Results: results}
}

func (rowsOf[R]) blankOne() any          { return &Data[*R]{} }
func (rowsOf[R]) blankMany() any         { return &Results[R]{} }
func (rowsOf[R]) oneType() reflect.Type  { return reflect.TypeFor[Data[R]]() }
func (rowsOf[R]) dryType() reflect.Type  { return reflect.TypeFor[Data[DryRun[R]]]() }
func (rowsOf[R]) manyType() reflect.Type { return reflect.TypeFor[Results[R]]() }

// baseOf is the part of a row that the kernel keeps.
func baseOf(row any) table.Base {
	base, _ := reflect.Indirect(reflect.ValueOf(row)).FieldByName("Base").Interface().(table.Base)
	return base
}
