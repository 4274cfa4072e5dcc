package table

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/jackc/pgx/v5"
)

// cursor is a place in an ordered list: after a row, or before it.
type cursor struct {
	// Query is a hash of what the rows were selected and ordered by.
	Query  []byte            `json:"q"`
	Values []json.RawMessage `json:"v"` // of the order's columns, as texts or null
	Before bool              `json:"b,omitempty"`
}

// fingerprint is the same for queries that list the same rows in one order.
func (t *Table[R]) fingerprint(scope Scope, q Query, order []ordered) []byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s %d %q\n", t.name, scope.Account, q.Deleted, terms(q.Search))
	for _, o := range order {
		_, _ = fmt.Fprintf(h, "order %s %t\n", o.Name, o.descending)
	}
	filters := make([]string, len(q.Filters))
	for i, f := range q.Filters {
		filters[i] = fmt.Sprintf("filter %q %q %q\n", f.Field, f.Op, f.Values)
	}
	slices.Sort(filters)
	_, _ = fmt.Fprint(h, filters)
	return h.Sum(nil)[:16]
}

func errInvalidCursor() error {
	return es.Refuse(es.NotFound, "invalid_cursor", "The cursor is not one of this list.")
}

// keyset reads the page after or before a cursor, one row more than it shows:
// that one says whether another page follows.
func (t *Table[R]) keyset(ctx context.Context, r *projections.Reader, scope Scope, q Query, s *statement, page Page[R]) (Page[R], error) {
	order := t.order(q)
	query := t.fingerprint(scope, q, order)
	var from cursor
	if len(q.Cursor) > 0 {
		if json.Unmarshal(q.Cursor, &from) != nil || !slices.Equal(from.Query, query) || len(from.Values) != len(order) {
			return Page[R]{}, errInvalidCursor()
		}
		if s.after(order, from.Values, from.Before) != nil {
			return Page[R]{}, errInvalidCursor()
		}
	}
	sql := t.selecting("") + s.conditions() + orderBy(order, from.Before) + " LIMIT " + strconv.Itoa(page.Size+1)
	var err error
	page.Position, err = r.Query(ctx, t.reading(scope, q), sql, s.args, func(rows pgx.Rows) error {
		var row R
		if err := t.scan(rows, projections.FirstColumn, &row); err != nil {
			return err
		}
		page.Rows = append(page.Rows, row)
		return nil
	})
	if err != nil {
		return Page[R]{}, err
	}
	more := len(page.Rows) > page.Size
	if more {
		page.Rows = page.Rows[:page.Size]
	}
	started := len(q.Cursor) > 0
	page.Number, page.HasNext, page.HasPrevious = 0, more, started
	if from.Before {
		slices.Reverse(page.Rows)
		page.HasNext, page.HasPrevious = true, more
	}
	return t.withCursors(page, query, order), nil
}

func (t *Table[R]) withCursors(page Page[R], query []byte, order []ordered) Page[R] {
	if len(page.Rows) == 0 {
		page.HasNext, page.HasPrevious = false, false
		return page
	}
	if page.HasNext {
		page.Next = cursorAt(&page.Rows[len(page.Rows)-1], query, order, false)
	}
	if page.HasPrevious {
		page.Previous = cursorAt(&page.Rows[0], query, order, true)
	}
	return page
}

func cursorAt[R any](row *R, query []byte, order []ordered, before bool) []byte {
	c := cursor{Query: query, Before: before, Values: make([]json.RawMessage, len(order))}
	v := reflect.ValueOf(row).Elem()
	for i, o := range order {
		c.Values[i] = o.text(v)
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic("table: a cursor of texts: " + err.Error())
	}
	return data
}

// text is the column's value as parse reads it, in JSON.
func (c *column) text(row reflect.Value) json.RawMessage {
	v, ok := c.value(row)
	if !ok {
		return json.RawMessage("null")
	}
	text := fmt.Sprint(v.Interface())
	switch at := v.Interface().(type) {
	case time.Time:
		text = at.UTC().Format(time.RFC3339Nano)
	case float64:
		text = strconv.FormatFloat(at, 'g', -1, 64)
	}
	data, err := json.Marshal(text)
	if err != nil {
		panic("table: a text as JSON: " + err.Error())
	}
	return data
}
