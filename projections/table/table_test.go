package table_test

import (
	"errors"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
)

func asError(err error, target **es.Error) bool { return errors.As(err, target) }

func TestGetFindsOnlyWhatItsScopeMaySee(t *testing.T) {
	t.Parallel()
	s := fill(t, 60)
	for _, row := range s.rows {
		for _, account := range s.accounts {
			for _, scope := range []table.Scope{{Account: account, AllSites: true}, {Account: account, Sites: s.sites[:1]}, {Account: account}} {
				for _, q := range []table.Query{{}, {Deleted: table.OnlyDeleted}, {Deleted: table.WithDeleted}} {
					got, at, err := s.books.Get(t.Context(), s.reader, scope, row.ID, q)
					if s.rows.matches(row, scope, q) {
						if err != nil || at == 0 {
							t.Fatalf("%v at %d", err, at)
						}
						equal(t, "detail", []library.Book{got}, []library.Book{row})
					} else if word(err) != "not_found" {
						t.Fatalf("a row out of scope: %v", err)
					}
				}
			}
		}
	}
}

func TestBadInputIsRefusedByField(t *testing.T) {
	t.Parallel()
	s := fill(t, 3)
	scope := table.Scope{Account: s.accounts[0], AllSites: true}
	for name, c := range map[string]struct {
		query table.Query
		field string
	}{
		"a filter that is not allowed": {table.Query{Filters: []table.Filter{{Field: "notes", Op: table.Eq, Values: []string{"x"}}}}, "notes"},
		"an operation that is not":     {table.Query{Filters: []table.Filter{{Field: "title", Op: table.Gte, Values: []string{"x"}}}}, "title__gte"},
		"no number":                    {table.Query{Filters: []table.Filter{{Field: "pages", Op: table.Lte, Values: []string{"many"}}}}, "pages__lte"},
		"too large a number":           {table.Query{Filters: []table.Filter{{Field: "pages", Op: table.Eq, Values: []string{"9223372036854775808"}}}}, "pages"},
		"no finite number":             {table.Query{Filters: []table.Filter{{Field: "price", Op: table.Lte, Values: []string{"NaN"}}}}, "price__lte"},
		"no id":                        {table.Query{Filters: []table.Filter{{Field: "shelf", Op: table.In, Values: []string{"x", "y"}}}}, "shelf__in"},
		"no boolean":                   {table.Query{Filters: []table.Filter{{Field: "shelf", Op: table.IsNull, Values: []string{"maybe"}}}}, "shelf__isnull"},
		"no time":                      {table.Query{Filters: []table.Filter{{Field: "due", Op: table.Gte, Values: []string{"tomorrow"}}}}, "due__gte"},
		"a NUL":                        {table.Query{Filters: []table.Filter{{Field: "title", Op: table.Eq, Values: []string{"a\x00"}}}}, "title"},
		"a NUL in the search":          {table.Query{Search: "a\x00"}, "search"},
		"invalid UTF-8 in the search":  {table.Query{Search: "\xff"}, "search"},
	} {
		_, err := s.books.List(t.Context(), s.reader, scope, c.query)
		var refused *es.Error
		if !errors.As(err, &refused) || refused.Class != es.Invalid || len(refused.Fields[c.field]) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACursorIsGoodForItsOwnListOnly(t *testing.T) {
	t.Parallel()
	s := fill(t, 60)
	scope := table.Scope{Account: s.accounts[0], AllSites: true}
	q := table.Query{Keyset: true, PageSize: 2, Order: []string{"title"}}
	page, err := s.books.List(t.Context(), s.reader, scope, q)
	if err != nil || page.Next == nil {
		t.Fatalf("%v, %+v", err, page)
	}
	for name, change := range map[string]func(*table.Query, *table.Scope){
		"another order":  func(q *table.Query, _ *table.Scope) { q.Order = []string{"-title"} },
		"another search": func(q *table.Query, _ *table.Scope) { q.Search = "soil" },
		"another filter": func(q *table.Query, _ *table.Scope) {
			q.Filters = []table.Filter{{Field: "lent", Op: table.Eq, Values: []string{"true"}}}
		},
		"deleted ones":    func(q *table.Query, _ *table.Scope) { q.Deleted = table.OnlyDeleted },
		"another account": func(_ *table.Query, s2 *table.Scope) { s2.Account = s.accounts[1] },
		"rubbish":         func(q *table.Query, _ *table.Scope) { q.Cursor = []byte("rubbish") },
		"null":            func(q *table.Query, _ *table.Scope) { q.Cursor = []byte("null") },
	} {
		other, otherScope := q, scope
		other.Cursor = page.Next
		change(&other, &otherScope)
		if _, err := s.books.List(t.Context(), s.reader, otherScope, other); word(err) != "invalid_cursor" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
