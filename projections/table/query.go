package table

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	defaultPageSize = 10
	maxPageSize     = 100
	// maxValues bounds an In filter.
	maxValues = 1000
	// maxTerms bounds a search.
	maxTerms = 16
)

// statement is SQL and its arguments while they are put together.
type statement struct {
	where []string
	args  []any
}

func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

func (s *statement) and(condition string) { s.where = append(s.where, condition) }

// conditions are WHERE and what follows; they are never empty.
func (s *statement) conditions() string {
	if len(s.where) == 0 {
		return " WHERE true"
	}
	return " WHERE " + strings.Join(s.where, " AND ")
}

// scoped begins a statement with the rows that a scope may see.
func (t *Table[R]) scoped(scope Scope, deleted Deleted) *statement {
	s := &statement{}
	if !scope.skipAccount {
		s.and("account_id = " + s.arg(pgtype.UUID{Bytes: scope.Account, Valid: true}))
	}
	if !scope.AllSites {
		sites := make([]pgtype.UUID, len(scope.Sites))
		for i, id := range scope.Sites {
			sites[i] = pgtype.UUID{Bytes: id, Valid: true}
		}
		s.and(fmt.Sprintf("(%[1]s IS NULL OR %[1]s = ANY (%[2]s::uuid[]))", t.spec.SiteColumn, s.arg(sites)))
	}
	switch deleted {
	case HideDeleted:
		s.and("deleted_at IS NULL")
	case OnlyDeleted:
		s.and("deleted_at IS NOT NULL")
	case WithDeleted:
	}
	return s
}

// filtered adds a query's filters and search.
func (t *Table[R]) filtered(s *statement, q Query) error {
	fields := map[string][]string{}
	for _, f := range q.Filters {
		if err := t.filter(s, f); err != nil {
			fields[f.parameter()] = append(fields[f.parameter()], err.Error())
		}
	}
	words := terms(q.Search)
	switch {
	case !storable(q.Search):
		fields["search"] = []string{notStorable}
	case len(words) > maxTerms:
		fields["search"] = []string{fmt.Sprintf("At most %d terms.", maxTerms)}
	}
	if len(fields) > 0 {
		return &es.Error{Class: es.Invalid, Message: "Validation failed", Fields: fields}
	}
	t.search(s, words)
	return nil
}

func (t *Table[R]) search(s *statement, words []string) {
	for _, word := range words {
		pattern, any := s.arg(containing(word)), []string{}
		for _, c := range t.columns {
			if c.Searchable {
				any = append(any, c.Name+" ILIKE "+pattern)
			}
		}
		if len(any) > 0 {
			s.and("(" + strings.Join(any, " OR ") + ")")
		} else {
			s.args = s.args[:len(s.args)-1]
		}
	}
}

// parameter is the filter's name in a request.
func (f Filter) parameter() string {
	if f.Op == Eq {
		return f.Field
	}
	return f.Field + "__" + string(f.Op)
}

func (t *Table[R]) find(name string) *column {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

func (t *Table[R]) filter(s *statement, f Filter) error {
	c := t.find(f.Field)
	if c == nil || !slices.Contains(c.Filters, f.Op) {
		return fmt.Errorf("There is no such filter.") //nolint:staticcheck // ST1005: a client reads it.
	}
	if f.Op != In && len(f.Values) != 1 || len(f.Values) == 0 {
		return fmt.Errorf("It takes one value.") //nolint:staticcheck // ST1005: a client reads it.
	}
	switch f.Op {
	case IsNull:
		return isNull(s, c, f.Values[0])
	case In:
		return isIn(s, c, f.Values)
	case Eq, Gte, Lte:
	}
	v, err := c.parse(f.Values[0])
	if err != nil {
		return err
	}
	s.and(c.Name + map[Op]string{Eq: " = ", Gte: " >= ", Lte: " <= "}[f.Op] + s.arg(v))
	if c.Type == List {
		s.where[len(s.where)-1] = c.Name + " ? $" + strconv.Itoa(len(s.args))
	}
	return nil
}

func isNull(s *statement, c *column, text string) error {
	null, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("It takes true or false.") //nolint:staticcheck // ST1005: a client reads it.
	}
	if null {
		s.and(c.Name + " IS NULL")
	} else {
		s.and(c.Name + " IS NOT NULL")
	}
	return nil
}

func isIn(s *statement, c *column, texts []string) error {
	if len(texts) > maxValues {
		return fmt.Errorf("It takes at most %d values.", maxValues) //nolint:staticcheck // ST1005: a client reads it.
	}
	places := make([]string, len(texts))
	for i, text := range texts {
		v, err := c.parse(text)
		if err != nil {
			return err
		}
		places[i] = s.arg(v)
	}
	s.and(c.Name + " IN (" + strings.Join(places, ", ") + ")")
	return nil
}

const notStorable = "It holds a NUL character, or is not UTF-8."

// storable says whether Postgres takes the text at all.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// parse reads a client's text as a value of the column.
func (c *column) parse(text string) (any, error) {
	switch c.Type {
	case Text, List:
		if !storable(text) {
			return nil, fmt.Errorf("%s", notStorable)
		}
		return text, nil
	case Integer:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	case Number:
		if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, nil
		}
	case Boolean:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
	case UUID:
		var id pgtype.UUID
		if err := (*es.ID)(&id.Bytes).UnmarshalText([]byte(text)); err == nil {
			id.Valid = true
			return id, nil
		}
	case Time:
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.UTC(), nil
		}
	case JSON:
	}
	return nil, fmt.Errorf("Not a valid %s.", c.Type) //nolint:staticcheck // ST1005: a client reads it.
}

// ordered is one column of an order.
type ordered struct {
	*column
	descending bool
}

// order is the query's allowed columns, and the id after them in the direction
// of the last; without any it is the newest first.
func (t *Table[R]) order(q Query) []ordered {
	var all []ordered
	descending := true
	for _, name := range q.Order {
		bare, minus := strings.CutPrefix(name, "-")
		c := t.find(bare)
		if c == nil || !c.Sortable || slices.ContainsFunc(all, func(o ordered) bool { return o.Name == bare }) {
			continue
		}
		descending = minus
		all = append(all, ordered{c, minus})
	}
	return append(all, ordered{t.find("id"), descending})
}

func orderBy(order []ordered, backwards bool) string {
	parts := make([]string, len(order))
	for i, o := range order {
		parts[i] = o.Name
		if o.descending != backwards {
			parts[i] += " DESC"
		}
	}
	return " ORDER BY " + strings.Join(parts, ", ")
}

// after is the condition of rows that follow the given values in the order.
// Nulls are where Postgres puts them: last ascending, first descending.
func (s *statement) after(order []ordered, values []json.RawMessage, backwards bool) error {
	var either []string
	equal := ""
	for i, o := range order {
		v, err := o.keyset(values[i])
		if err != nil {
			return err
		}
		place := ""
		if v != nil {
			place = s.arg(v)
		}
		if beyond := o.beyond(place, o.descending != backwards); beyond != "" {
			either = append(either, equal+beyond)
		}
		if v == nil {
			equal += o.Name + " IS NULL AND "
		} else {
			equal += o.Name + " = " + place + " AND "
		}
	}
	s.and("((" + strings.Join(either, ") OR (") + "))")
	return nil
}

// beyond is the condition of a column past a value, or past null without one.
func (o ordered) beyond(place string, descending bool) string {
	switch {
	case place == "" && descending:
		return o.Name + " IS NOT NULL"
	case place == "":
		return ""
	case descending:
		return o.Name + " < " + place
	case o.Nullable:
		return "(" + o.Name + " > " + place + " OR " + o.Name + " IS NULL)"
	default:
		return o.Name + " > " + place
	}
}

// keyset reads a cursor's value of the column; nil is null.
func (o ordered) keyset(raw json.RawMessage) (any, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	return o.parse(text)
}
