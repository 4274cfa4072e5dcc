package table_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
	"pgregory.net/rapid"
)

func texts(t require, rows []library.Book) []string {
	t.Helper()
	all := make([]string, len(rows))
	for i, row := range rows {
		data, err := json.Marshal(struct {
			library.Book
			Position int64
		}{row, row.Position})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(data)
	}
	return all
}

type require interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func equal(t require, what string, got, want []library.Book) {
	t.Helper()
	g, w := texts(t, got), texts(t, want)
	if len(g) != len(w) {
		t.Fatalf("%s: %d rows, want %d", what, len(g), len(w))
	}
	for i := range g {
		if g[i] != w[i] {
			t.Fatalf("%s: row %d is\n%s\nwant\n%s", what, i, g[i], w[i])
		}
	}
}

func (s *shelf) scope(t *rapid.T) table.Scope {
	scope := table.Scope{Account: rapid.SampledFrom(s.accounts).Draw(t, "account"), AllSites: rapid.Bool().Draw(t, "all sites")}
	if !scope.AllSites {
		scope.Sites = rapid.SliceOfN(rapid.SampledFrom(s.sites), 0, 2).Draw(t, "sites")
	}
	return scope
}

func (s *shelf) filter(t *rapid.T) table.Filter {
	ids := func(ids []es.ID) *rapid.Generator[string] {
		return rapid.Map(rapid.SampledFrom(ids), es.ID.String)
	}
	columns := map[string]*rapid.Generator[string]{
		"id":      rapid.Map(rapid.SampledFrom(s.rows), func(b library.Book) string { return b.ID.String() }),
		"site_id": ids(s.sites), "shelf": ids(s.shelves), "title": rapid.SampledFrom(s.titles),
		"pages": rapid.SampledFrom([]string{"0", "100", "250", "400"}), "price": rapid.SampledFrom([]string{"1.1", "0", "2.5"}),
		"lent": rapid.SampledFrom([]string{"true", "false"}), "due": rapid.SampledFrom([]string{"2026-03-02T00:00:00Z", "2026-03-03T02:00:00+02:00"}),
		"tags": rapid.SampledFrom([]string{"old", "shelf1", "none"}),
	}
	name := rapid.SampledFrom([]string{"id", "site_id", "shelf", "title", "pages", "price", "lent", "due", "tags"}).Draw(t, "field")
	for _, c := range s.books.Columns() {
		if c.Name != name {
			continue
		}
		f := table.Filter{Field: name, Op: rapid.SampledFrom(c.Filters).Draw(t, "op")}
		switch f.Op {
		case table.IsNull:
			f.Values = []string{rapid.SampledFrom([]string{"true", "false"}).Draw(t, "null")}
		case table.In:
			f.Values = rapid.SliceOfN(columns[name], 1, 3).Draw(t, "values")
		default:
			f.Values = []string{columns[name].Draw(t, "value")}
		}
		return f
	}
	t.Fatalf("no column %s", name)
	return table.Filter{}
}

func (s *shelf) query(t *rapid.T) table.Query {
	q := table.Query{
		Deleted: rapid.SampledFrom([]table.Deleted{table.HideDeleted, table.OnlyDeleted, table.WithDeleted}).Draw(t, "deleted"),
		Search:  rapid.SampledFrom([]string{"", "", "soil", "SOIL water", "%", "_", `\`, "old soil", `"shelf1"`}).Draw(t, "search"),
		Order: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"title", "pages", "price", "lent", "due", "created_at", "notes", "nothing"}), 0, 3,
			func(name string) string { return name }).Draw(t, "order"),
		PageSize: rapid.SampledFrom([]int{1, 3, 10, 100}).Draw(t, "size"),
	}
	for i := range q.Order {
		if rapid.Bool().Draw(t, "descending") {
			q.Order[i] = "-" + q.Order[i]
		}
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "filters") {
		q.Filters = append(q.Filters, s.filter(t))
	}
	return q
}

func TestAListIsWhatTheModelGivesOnEveryPage(t *testing.T) {
	t.Parallel()
	s := fill(t, 120)
	rapid.Check(t, func(rt *rapid.T) {
		scope, q := s.scope(rt), s.query(rt)
		want := s.rows.list(scope, q)
		var got []library.Book
		for q.Page = 1; ; q.Page++ {
			page, err := s.books.List(t.Context(), s.reader, scope, q)
			if err != nil {
				rt.Fatalf("page %d: %v", q.Page, err)
			}
			if *page.Count != int64(len(want)) || page.HasPrevious != (q.Page > 1) {
				rt.Fatalf("page %d says it counts %d of %d, previous %t", q.Page, *page.Count, len(want), page.HasPrevious)
			}
			got = append(got, page.Rows...)
			if !page.HasNext {
				break
			}
		}
		equal(rt, "pages", got, want)
		q.Page++
		if _, err := s.books.List(t.Context(), s.reader, scope, q); word(err) != "invalid_page" {
			rt.Fatalf("past the end: %v", err)
		}
	})
}

func TestCursorsWalkTheWholeListThereAndBack(t *testing.T) {
	t.Parallel()
	s := fill(t, 120)
	rapid.Check(t, func(rt *rapid.T) {
		scope, q := s.scope(rt), s.query(rt)
		want := s.rows.list(scope, q)
		q.Keyset = true
		var pages []table.Page[library.Book]
		var got []library.Book
		for {
			page, err := s.books.List(t.Context(), s.reader, scope, q)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			if page.Count != nil || page.HasPrevious != (len(pages) > 0) {
				rt.Fatalf("a count, or previous %t on page %d", page.HasPrevious, len(pages))
			}
			pages, got = append(pages, page), append(got, page.Rows...)
			if q.Cursor = page.Next; page.Next == nil {
				break
			}
		}
		equal(rt, "forwards", got, want)
		for i := len(pages) - 1; i > 0; i-- {
			q.Cursor = pages[i].Previous
			page, err := s.books.List(t.Context(), s.reader, scope, q)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			equal(rt, fmt.Sprintf("back to page %d", i-1), page.Rows, pages[i-1].Rows)
			if page.HasPrevious != (i > 1) || !page.HasNext {
				rt.Fatalf("back on page %d: previous %t, next %t", i-1, page.HasPrevious, page.HasNext)
			}
		}
	})
}

func word(err error) string {
	var refused *es.Error
	if !asError(err, &refused) {
		return ""
	}
	return refused.Word()
}
