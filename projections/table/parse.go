package table

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// Parse reads a list's query parameters: filters, search, ordering, deleted,
// page and page_size; unknown ones are ignored. Values of filters are checked
// when the list is read. Cursors are signed, so who signs them sets Keyset and
// Cursor. Errors: es.Invalid, per field.
func (t *Table[R]) Parse(values url.Values) (Query, error) {
	q := Query{Search: values.Get("search")}
	fields := map[string][]string{}
	for _, c := range t.columns {
		for _, op := range c.Filters {
			f := Filter{Field: c.Name, Op: op}
			for _, text := range values[f.parameter()] {
				f.Values = []string{text}
				if op == In {
					f.Values = strings.Split(text, ",")
				}
				q.Filters = append(q.Filters, f)
			}
		}
	}
	if order := values.Get("ordering"); order != "" {
		q.Order = strings.Split(order, ",")
	}
	switch values.Get("deleted") {
	case "":
	case "only":
		q.Deleted = OnlyDeleted
	case "with":
		q.Deleted = WithDeleted
	default:
		fields["deleted"] = []string{`It takes "only" or "with".`}
	}
	if text := values.Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return Query{}, errInvalidPage()
		}
		q.Page = n
	}
	if text := values.Get("page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fields["page_size"] = []string{"It takes a number from 1."}
		}
		q.PageSize = min(max(n, 0), maxPageSize)
	}
	if len(fields) > 0 {
		return Query{}, &es.Error{Class: es.Invalid, Message: "Validation failed", Fields: fields}
	}
	return q, nil
}
