package readapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/projections/table"
)

const bearer = "bearer"

// describes is the document before any route is in it.
func (e *edge) describes() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "IGNY8", Version: e.options.Version,
			Description: "Every change is an event. Answers come in one envelope; errors carry a stable `code`. " +
				"Paths end in a slash, and answer without it too.",
		},
		Servers: []*huma.Server{{URL: "/"}},
		Components: &huma.Components{
			Schemas: e.schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				bearer: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access token of a login."},
			},
		},
	}
}

// operation is the document's part of a route.
func (e *edge) operation(r *route) *huma.Operation {
	words := strings.Split(strings.Trim(strings.TrimPrefix(r.pattern, prefix), "/"), "/")
	op := &huma.Operation{
		Method: r.Method, Path: r.pattern, DefaultStatus: r.Status,
		OperationID: r.Name, Summary: r.Summary, Description: r.Description, Tags: words[:1],
		Metadata:  map[string]any{routeName: r},
		Responses: map[string]*huma.Response{},
		Security:  []map[string][]string{},
		// The body is read and bounded before huma sees it.
		MaxBodyBytes: e.options.MaxBody + 1,
	}
	if op.OperationID == "" {
		op.OperationID = strings.ToLower(r.Method) + "-" + strings.NewReplacer("{", "", "}", "", "_", "-").Replace(strings.Join(words, "-"))
	}
	codes := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if !r.Public {
		op.Security = []map[string][]string{{bearer: {}}}
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
		if !r.Ungated {
			codes = append(codes, http.StatusPaymentRequired)
		}
	}
	if r.Method != http.MethodGet {
		codes = append(codes, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.writes() {
		codes = append(codes, http.StatusConflict, http.StatusUnprocessableEntity)
		op.Parameters = append(op.Parameters, header("Idempotency-Key", "The same key again answers what the first request was answered, for 24 hours.", &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(255)}))
		if r.DryRuns {
			op.Parameters = append(op.Parameters, query("dry_run", "true answers the events and the state that would follow, and changes nothing.", &huma.Schema{Type: huma.TypeBoolean}))
		}
	}
	for _, code := range append(codes, r.Codes...) {
		e.refuse(op, code)
	}
	return op
}

// refuse documents that an operation may fail with a status.
func (e *edge) refuse(op *huma.Operation, status int) {
	response := &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
		"application/json": {Schema: e.schemas.Schema(reflect.TypeFor[ErrorBody](), true, "")},
		problemType:        {Schema: e.schemas.Schema(reflect.TypeFor[Problem](), true, "")},
	}, Headers: answerHeaders()}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		response.Headers["Retry-After"] = &huma.Param{Description: "Seconds.", Schema: &huma.Schema{Type: huma.TypeInteger}}
	}
	if status == http.StatusUnauthorized {
		response.Headers["WWW-Authenticate"] = text("")
	}
	op.Responses[strconv.Itoa(status)] = response
}

// respond documents an answer; a second one of the same status is an
// alternative.
func (e *edge) respond(op *huma.Operation, status int, body reflect.Type) {
	e.respondAs(op, status, e.schemas.Schema(body, true, ""))
}

func (e *edge) respondAs(op *huma.Operation, status int, schema *huma.Schema) {
	key := strconv.Itoa(status)
	response := op.Responses[key]
	if response == nil {
		response = &huma.Response{Description: http.StatusText(status), Headers: answerHeaders()}
		op.Responses[key] = response
	}
	if r, _ := op.Metadata[routeName].(*route); r != nil && r.writes() {
		response.Headers["ETag"] = text("The revision.")
		response.Headers["Idempotency-Replayed"] = text("true on a repeat.")
	}
	if response.Content == nil {
		response.Content = map[string]*huma.MediaType{"application/json": {Schema: schema}}
		return
	}
	media := response.Content["application/json"]
	if media.Schema.AnyOf == nil {
		media.Schema = &huma.Schema{AnyOf: []*huma.Schema{media.Schema}}
	}
	media.Schema.AnyOf = append(media.Schema.AnyOf, schema)
}

func (e *edge) respondRaw(op *huma.Operation, status int) {
	op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Headers: answerHeaders()}
}

func answerHeaders() map[string]*huma.Param {
	return map[string]*huma.Param{
		"X-Request-ID": text("Also in the body, the logs and the events."), consistencyHeader: text("Send it with a read that must see this."),
		"X-Throttle-Limit": text(""), "X-Throttle-Remaining": text(""), "X-Throttle-Reset": text("Unix seconds."),
	}
}

func text(description string) *huma.Param {
	return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

func query(name, description string, s *huma.Schema) *huma.Param {
	s.PrecomputeMessages()
	return &huma.Param{Name: name, In: "query", Description: description, Schema: s}
}

func header(name, description string, s *huma.Schema) *huma.Param {
	s.PrecomputeMessages()
	return &huma.Param{Name: name, In: "header", Description: description, Schema: s}
}

func (e *edge) idParam() *huma.Param {
	return &huma.Param{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"}}
}

// readParams are the parameters of every read of a read model.
func readParams() []*huma.Param {
	return []*huma.Param{
		query("fields", "Only these fields, separated by commas.", &huma.Schema{Type: huma.TypeString}),
		query("deleted", "only or with: soft-deleted rows alone or too, for admins.", &huma.Schema{Type: huma.TypeString, Enum: []any{"only", "with"}}),
		header(consistencyHeader, "Of a write: the answer waits until it shows it.", &huma.Schema{Type: huma.TypeString}),
		header("Prefer", "wait=N bounds the wait, in seconds, at most 5.", &huma.Schema{Type: huma.TypeString}),
	}
}

// listParams are the parameters of a list over the columns.
func listParams(columns []table.Column) []*huma.Param {
	params := []*huma.Param{
		query("page", "From 1.", &huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0)}),
		query("page_size", "10 by default; more than 100 is 100.", &huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0)}),
		query("cursor", "Pages by position instead, without a count: empty to start, then as `next` has it.", &huma.Schema{Type: huma.TypeString}),
	}
	var sortable, searchable []string
	for _, c := range columns {
		if c.Sortable {
			sortable = append(sortable, c.Name)
		}
		if c.Searchable {
			searchable = append(searchable, c.Name)
		}
		for _, op := range c.Filters {
			params = append(params, filterParam(c, op))
		}
	}
	if len(sortable) > 0 {
		params = append(params, query("ordering", "By these, separated by commas, with - for descending: "+strings.Join(sortable, ", ")+".", &huma.Schema{Type: huma.TypeString}))
	}
	if len(searchable) > 0 {
		params = append(params, query("search", `Every word, or "phrase", must be in one of: `+strings.Join(searchable, ", ")+".", &huma.Schema{Type: huma.TypeString}))
	}
	return slices.Concat(params, readParams())
}

func filterParam(c table.Column, op table.Op) *huma.Param {
	name, schema := c.Name, &huma.Schema{Type: huma.TypeString}
	if op != table.Eq {
		name += "__" + string(op)
	}
	switch op {
	case table.IsNull:
		schema.Type = huma.TypeBoolean
	case table.In:
		return query(name, "Any of these, separated by commas.", schema)
	case table.Eq, table.Gte, table.Lte:
		switch c.Type {
		case table.Integer, table.Number, table.Boolean:
			schema.Type = string(c.Type)
		case table.UUID, table.Time:
			schema.Format = string(c.Type)
		case table.Text, table.List, table.JSON:
		}
	}
	return query(name, "", schema)
}

const documentPath = "/api/v1/openapi.json"

func (e *edge) mountDocument() {
	mountRaw(&API{e}, Route{
		Method: http.MethodGet, Path: documentPath, Public: true, Name: "openapi",
		Summary: "This document, OpenAPI 3.1",
	}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		if _, err := w.Write(e.document()); err != nil {
			e.logger.DebugContext(r.Context(), "the client went away")
		}
	})
}

// writeDocument runs once, on the first request, when all routes are mounted.
func (e *edge) writeDocument() []byte {
	document, err := json.Marshal(e.huma.OpenAPI())
	if err != nil {
		panic("readapi: the document cannot be written: " + err.Error())
	}
	return document
}

// Document is the OpenAPI 3.1 document of the routes mounted so far.
func (a *API) Document() []byte { return a.writeDocument() }

// Mounted lists the documented routes as "METHOD /path/{id}/", in order: what the document
// must hold.
func (a *API) Mounted() []string {
	var all []string
	for _, r := range a.routes {
		if line := r.Method + " " + r.pattern; !r.Undocumented && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}
