package readapi

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/commands"
)

// reply is what a handler answers, before it is written.
type reply struct {
	status int
	body   any // a stamped envelope
	// unsettled says that part of it may or may not have happened, so that it
	// is not to be kept: a repeat finds out.
	unsettled bool
}

// served is one operation as serve sees it.
type served struct {
	run func(ctx context.Context) (reply, error)
	// blank is an empty body to read a kept answer into.
	blank func() any
}

// serve runs an operation and writes what became of it.
func (e *edge) serve(ctx context.Context, s served) (*written, error) {
	call := CallOf(ctx)
	answer, err := e.answer(ctx, call, s)
	if err != nil {
		e.writeFailure(ctx, call.echo, call, err)
		return done, nil
	}
	if err := e.send(call, answer); err != nil {
		e.writeFailure(ctx, call.echo, call, err)
	}
	return done, nil
}

func (e *edge) answer(ctx context.Context, call *Call, s served) (reply, error) {
	if err := call.read(); err != nil {
		return reply{}, err
	}
	if call.route.writes() && !call.DryRun {
		return e.once(ctx, call, s)
	}
	return s.run(ctx)
}

func (e *edge) send(call *Call, r reply) error {
	if envelope, ok := r.body.(stamped); ok {
		envelope.stamp(call.RequestID)
	}
	if r.body == nil {
		return call.echo.NoContent(r.status)
	}
	body, err := marshal(r.body)
	if err != nil {
		return err
	}
	return call.echo.JSONBlob(r.status, body)
}

// read takes what every operation may be told in query and headers.
func (c *Call) read() error {
	query, err := dryRun(c)
	if err != nil {
		return err
	}
	c.DryRun = query
	if c.route.writes() {
		if c.IfRevision, err = ifMatch(c.Request.Header); err != nil {
			return err
		}
	}
	return c.readConsistency()
}

func dryRun(c *Call) (bool, error) {
	value := c.Request.URL.Query().Get("dry_run")
	switch {
	case value == "" || value == "false" || !c.route.writes():
		return false, nil
	case value != "true":
		return false, badParameter("dry_run", "This must be true or false.")
	case !c.route.DryRuns:
		return false, badParameter("dry_run", "This cannot be run dry.")
	}
	return true, nil
}

func badParameter(name, message string) error {
	return invalid(map[string][]string{name: {message}})
}

func mountTyped[In, Out any](api *API, declared Route, handler func(context.Context, *In) (*Out, error)) {
	e := api.edge
	r := e.declare(declared, false)
	op := e.operation(r)
	blank := func() any { return &Data[*Out]{} }
	body := reflect.TypeFor[Data[Out]]()
	if _, whole := any(new(Out)).(stamped); whole {
		blank, body = func() any { return new(Out) }, reflect.TypeFor[Out]()
	}
	e.respond(op, r.Status, body)
	if field, ok := reflect.TypeFor[In]().FieldByName("Body"); ok {
		takes(op, e.schemas.Schema(field.Type, true, requestName(op)))
		op.RequestBody.Required = field.Type.Kind() != reflect.Pointer
		op.RequestBody.Required = field.Type.Kind() != reflect.Pointer
	}
	if r.DryRuns {
		e.respond(op, http.StatusOK, reflect.TypeFor[Data[DryRun[Out]]]())
	}
	huma.Register(e.huma, *op, func(ctx context.Context, in *In) (*written, error) {
		return e.serve(ctx, served{blank: blank, run: func(ctx context.Context) (reply, error) {
			call := CallOf(ctx)
			if err := e.refuseNulls(op, call.body); err != nil {
				return reply{}, err
			}
			out, err := handler(ctx, in)
			return wrap(call, out, err)
		}})
	})
}

// requestName is the name of a body whose type has none.
func requestName(op *huma.Operation) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(op.OperationID, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		b.WriteString(capital(word))
	}
	return b.String() + "Request"
}

func wrap[Out any](call *Call, out *Out, err error) (reply, error) {
	status := call.route.Status
	if call.status != 0 {
		status = call.status
	}
	switch {
	case err != nil:
		return reply{}, err
	case call.DryRun:
		return reply{status: http.StatusOK, body: &Data[DryRun[*Out]]{Data: DryRun[*Out]{DryRun: true, Events: dryEvents(call.outcomes), State: out}}}, nil
	case out == nil:
		return reply{status: status, body: &Data[*Out]{}}, nil
	}
	if _, whole := any(out).(stamped); whole {
		return reply{status: status, body: out}, nil
	}
	return reply{status: status, body: &Data[*Out]{Data: out}}, nil
}

func dryEvents(outcomes []commands.Outcome) []DryEvent {
	events := []DryEvent{}
	for _, o := range outcomes {
		for _, w := range o.Events {
			events = append(events, DryEvent{Type: w.Type, Data: w.Event})
		}
	}
	return events
}

// refuseNulls is the check for null that huma does not make.
func (e *edge) refuseNulls(op *huma.Operation, body []byte) error {
	if op.RequestBody == nil || !strings.Contains(string(body), "null") {
		return nil
	}
	media := op.RequestBody.Content["application/json"]
	if media == nil || media.Schema == nil {
		return nil
	}
	var tree any
	if err := unmarshal(body, &tree); err != nil {
		return err
	}
	fields := map[string][]string{}
	nulls(e.schemas, media.Schema, tree, "", fields)
	if len(fields) > 0 {
		return invalid(fields)
	}
	return nil
}

func mountRaw(api *API, declared Route, handler http.HandlerFunc) {
	e := api.edge
	r := e.declare(declared, true)
	op := e.operation(r)
	e.respondRaw(op, r.Status)
	for word := range strings.SplitSeq(r.pattern, "/") {
		if name, is := strings.CutPrefix(word, "{"); is {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	if !r.Undocumented {
		e.huma.OpenAPI().AddOperation(op)
	}
	e.huma.Adapter().Handle(op, func(ctx huma.Context) {
		call := CallOf(ctx.Context())
		handler(call.echo.Response(), call.Request)
	})
}
