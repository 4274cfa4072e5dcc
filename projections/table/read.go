package table

import (
	"context"
	"errors"
	"net/url"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// Parse reads a list's query parameters: filters, search, ordering, deleted,
// page and page_size; unknown ones are ignored. Cursors are signed, so who
// signs them sets Keyset and Cursor. Errors: es.Invalid, per field.
func (t *Table[R]) Parse(url.Values) (Query, error) { return Query{}, errors.ErrUnsupported }

func (t *Table[R]) fold(row R, _ es.Recorded, _ es.Event) (R, bool) { return row, true }

func (t *Table[R]) list(context.Context, *projections.Reader, Scope, Query) (Page[R], error) {
	return Page[R]{}, errors.ErrUnsupported
}

func (t *Table[R]) get(context.Context, *projections.Reader, Scope, es.ID, Query) (row R, at int64, err error) {
	return row, 0, errors.ErrUnsupported
}

func (t *Table[R]) open(context.Context, projections.Opener, es.ID, []*R) error {
	return errors.ErrUnsupported
}
