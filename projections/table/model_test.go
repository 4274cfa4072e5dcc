package table_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
)

// model answers queries from rows in memory, written without a look at how the
// table does.
type model []library.Book

// value is a column of a row as a comparable thing, or nil for null.
func value(b library.Book, column string) any {
	switch column {
	case "id":
		return b.ID
	case "site_id":
		return deref(b.SiteID)
	case "created_at":
		return b.CreatedAt
	case "title":
		return b.Title
	case "shelf":
		return deref(b.Shelf)
	case "pages":
		return deref(b.Pages)
	case "price":
		return deref(b.Price)
	case "lent":
		return b.Lent
	case "due":
		return deref(b.Due)
	}
	panic(column)
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func compare(a, b any) int {
	switch a := a.(type) {
	case es.ID:
		id, _ := b.(es.ID)
		return bytes.Compare(a[:], id[:])
	case string:
		return cmp.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		return cmp.Compare(number(a), number(b.(bool)))
	}
	panic(fmt.Sprintf("%T", a))
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// read is a client's text as a value of the column.
func read(column, text string) any {
	switch column {
	case "id", "site_id", "shelf":
		var id es.ID
		if id.UnmarshalText([]byte(text)) != nil {
			panic(text)
		}
		return id
	case "pages":
		n, _ := strconv.ParseInt(text, 10, 64)
		return n
	case "price":
		f, _ := strconv.ParseFloat(text, 64)
		return f
	case "lent":
		return text == "true"
	case "due", "created_at":
		at, _ := time.Parse(time.RFC3339, text)
		return at
	}
	return text
}

func (m model) matches(b library.Book, scope table.Scope, q table.Query) bool {
	switch {
	case b.AccountID != scope.Account,
		!scope.AllSites && b.SiteID != nil && !slices.Contains(scope.Sites, *b.SiteID),
		q.Deleted == table.HideDeleted && b.DeletedAt != nil,
		q.Deleted == table.OnlyDeleted && b.DeletedAt == nil:
		return false
	}
	for _, f := range q.Filters {
		if !holds(b, f) {
			return false
		}
	}
	for _, term := range strings.Fields(strings.ReplaceAll(q.Search, `"`, "")) {
		text := strings.ToLower(b.Title + "\x00" + b.Blurb)
		if !strings.Contains(text, strings.ToLower(term)) {
			return false
		}
	}
	return true
}

func holds(b library.Book, f table.Filter) bool {
	if f.Field == "tags" {
		return slices.Contains(b.Tags, f.Values[0])
	}
	v := value(b, f.Field)
	if f.Op == table.IsNull {
		return (v == nil) == (f.Values[0] == "true")
	}
	if v == nil {
		return false
	}
	return slices.ContainsFunc(f.Values, func(text string) bool {
		c := compare(v, read(f.Field, text))
		return c == 0 || f.Op == table.Gte && c > 0 || f.Op == table.Lte && c < 0
	})
}

func (m model) list(scope table.Scope, q table.Query) []library.Book {
	var rows []library.Book
	for _, b := range m {
		if m.matches(b, scope, q) {
			rows = append(rows, b)
		}
	}
	order := slices.DeleteFunc(slices.Clone(q.Order), func(name string) bool {
		return !slices.Contains([]string{"title", "pages", "price", "lent", "due", "created_at"}, strings.TrimPrefix(name, "-"))
	})
	if len(order) > 0 && strings.HasPrefix(order[len(order)-1], "-") || len(order) == 0 {
		order = append(order, "-id")
	} else {
		order = append(order, "id")
	}
	slices.SortFunc(rows, func(a, b library.Book) int {
		for _, name := range order {
			column, descending := strings.CutPrefix(name, "-")
			c := nullsLast(value(a, column), value(b, column))
			if descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return rows
}

func nullsLast(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return compare(a, b)
}
