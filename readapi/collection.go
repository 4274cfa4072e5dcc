package readapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/table"
)

// collection reads a resource's rows.
type collection[R any] struct {
	*resource
	table  Table[R]
	fields []string // the JSON names of a row
}

func (c *collection[R]) mount() {
	_, op := c.route(http.MethodGet, "", "list", "List")
	op.Parameters = append(op.Parameters, listParams(c.table.Columns())...)
	c.respond(op, http.StatusOK, reflect.TypeFor[List[R]]())
	c.respondAs(op, http.StatusOK, c.schemas.partly(reflect.TypeFor[List[R]](), reflect.TypeFor[R]()))
	c.register(op, served{run: c.list})

	_, op = c.route(http.MethodGet, "{id}/", "get", "One "+c.noun)
	op.Parameters = append(op.Parameters, readParams()...)
	op.Parameters = append(op.Parameters, header("If-None-Match", "An ETag: what is still the same answers 304.", &huma.Schema{Type: huma.TypeString}))
	c.respond(op, http.StatusOK, reflect.TypeFor[Data[R]]())
	c.respondAs(op, http.StatusOK, c.schemas.partly(reflect.TypeFor[Data[R]](), reflect.TypeFor[R]()))
	op.Responses["200"].Headers["ETag"] = text("revision.position")
	c.respondRaw(op, http.StatusNotModified)
	c.register(op, served{run: c.get})
}

// query is what the table is asked, with what the edge itself knows.
func (c *collection[R]) query(call *Call) (table.Query, error) {
	q, err := c.table.Parse(call.Request.URL.Query())
	if err != nil {
		return q, err
	}
	if q.Deleted != table.HideDeleted && !call.Principal.Actor.Role.AtLeast(es.Admin) {
		return q, es.Refuse(es.Forbidden, "", "Deleted ones are shown to the role %s or a higher one.", es.Admin)
	}
	q.AtLeast, q.Wait = call.AtLeast, call.Wait
	return q, nil
}

func scopeOf(p Principal) table.Scope {
	return table.Scope{Account: p.Account, AllSites: p.Sites == nil, Sites: p.Sites}
}

func (c *collection[R]) list(ctx context.Context) (reply, error) {
	call := CallOf(ctx)
	params := call.Request.URL.Query()
	fields, err := c.chosen(params)
	if err != nil {
		return reply{}, err
	}
	q, err := c.query(call)
	if err != nil {
		return reply{}, err
	}
	bound := c.bound(call, q)
	if params.Has("cursor") {
		q.Keyset = true
		if text := params.Get("cursor"); text != "" {
			cursor, ok := c.signer.open("cursor", bound, text)
			if !ok {
				return reply{}, es.Refuse(es.NotFound, "invalid_cursor", "This cursor is of another list, or none.")
			}
			q.Cursor = cursor
		}
	}
	page, err := c.table.List(ctx, c.options.Reader, scopeOf(call.Principal), q)
	if err != nil {
		return reply{}, err
	}
	opened := make([]*R, len(page.Rows))
	for i := range page.Rows {
		opened[i] = &page.Rows[i]
	}
	if err := c.table.Open(ctx, c.options.Opener, call.Principal.Account, opened...); err != nil {
		return reply{}, fmt.Errorf("opening a page: %w", err)
	}
	call.TrueAt(call.Principal.Account, page.Position)
	next, previous := c.links(call, page, bound)
	return listOf(page, next, previous, fields)
}

func listOf[R any](page table.Page[R], next, previous *string, fields []string) (reply, error) {
	if fields == nil {
		rows := page.Rows
		if rows == nil {
			rows = []R{}
		}
		return reply{status: http.StatusOK, body: &List[R]{Count: page.Count, Next: next, Previous: previous, Results: rows}}, nil
	}
	rows := make([]json.RawMessage, len(page.Rows))
	for i, row := range page.Rows {
		var err error
		if rows[i], err = trim(row, fields); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusOK, body: &List[json.RawMessage]{Count: page.Count, Next: next, Previous: previous, Results: rows}}, nil
}

func (c *collection[R]) get(ctx context.Context) (reply, error) {
	call := CallOf(ctx)
	fields, err := c.chosen(call.Request.URL.Query())
	if err != nil {
		return reply{}, err
	}
	q, err := c.query(call)
	if err != nil {
		return reply{}, err
	}
	id, err := c.id(call)
	if err != nil {
		return reply{}, err
	}
	row, at, err := c.table.Get(ctx, c.options.Reader, scopeOf(call.Principal), id, q)
	switch {
	case err != nil && es.ClassOf(err) == es.NotFound:
		return reply{}, c.missing()
	case err != nil:
		return reply{}, err
	}
	call.TrueAt(call.Principal.Account, at)
	base := baseOf(row)
	tag := readETag(base.Revision, base.Position)
	call.header.Set("ETag", tag)
	if noneMatch(call.Request.Header, tag) {
		return reply{status: http.StatusNotModified}, nil
	}
	if err := c.table.Open(ctx, c.options.Opener, call.Principal.Account, &row); err != nil {
		return reply{}, fmt.Errorf("opening a row: %w", err)
	}
	if fields == nil {
		return reply{status: http.StatusOK, body: &Data[R]{Data: row}}, nil
	}
	trimmed, err := trim(row, fields)
	return reply{status: http.StatusOK, body: &Data[json.RawMessage]{Data: trimmed}}, err
}

// bound is what a cursor belongs to: an account, a list and its filters.
func (c *collection[R]) bound(call *Call, q table.Query) string {
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%q %q %q %d", q.Filters, q.Search, q.Order, q.Deleted))
	return call.Principal.Account.String() + " " + c.path + " " + string(h.Sum(nil))
}

// address is where clients reach the API: as configured, or as this one did.
func (e *edge) address(r *http.Request) *url.URL {
	if e.options.PublicURL != nil {
		return e.options.PublicURL
	}
	return &url.URL{Scheme: e.scheme(r), Host: r.Host}
}

// links are the addresses of the pages around this one.
func (c *collection[R]) links(call *Call, page table.Page[R], bound string) (next, previous *string) {
	to := func(name, value string) *string {
		params := call.Request.URL.Query()
		params.Set(name, value)
		address := c.address(call.Request).JoinPath(prefix, c.path, "/")
		address.RawQuery = params.Encode()
		text := address.String()
		return &text
	}
	if page.Count == nil {
		if page.Next != nil {
			next = to("cursor", c.signer.sign("cursor", bound, page.Next))
		}
		if page.Previous != nil {
			previous = to("cursor", c.signer.sign("cursor", bound, page.Previous))
		}
		return next, previous
	}
	if page.HasNext {
		next = to("page", strconv.Itoa(page.Number+1))
	}
	if page.HasPrevious {
		previous = to("page", strconv.Itoa(page.Number-1))
	}
	return next, previous
}

// chosen is what fields= asks for; nil is everything.
func (c *collection[R]) chosen(params url.Values) ([]string, error) {
	if !params.Has("fields") {
		return nil, nil
	}
	var chosen []string
	for name := range strings.SplitSeq(params.Get("fields"), ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(c.fields, name) {
			return nil, badParameter("fields", fmt.Sprintf("There is no field %q.", name))
		}
		if !slices.Contains(chosen, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen, nil
}

// fieldsOf lists the JSON names of a row's fields.
func fieldsOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "-" && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// trim writes only the fields of a row, in the order asked for.
func trim(row any, fields []string) (json.RawMessage, error) {
	whole, err := marshal(row)
	if err != nil {
		return nil, err
	}
	var values sent
	if err := json.Unmarshal(whole, &values); err != nil {
		return nil, fmt.Errorf("trimming a row: %w", err)
	}
	var b strings.Builder
	for i, name := range fields {
		value, ok := values[name]
		if !ok {
			value = json.RawMessage("null")
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, value)
	}
	return json.RawMessage("{" + b.String() + "}"), nil
}
