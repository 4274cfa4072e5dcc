package table

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
)

var (
	baseType     = reflect.TypeFor[Base]()
	idType       = reflect.TypeFor[es.ID]()
	timeType     = reflect.TypeFor[time.Time]()
	personalType = reflect.TypeFor[es.Personal]()
	textsType    = reflect.TypeFor[[]string]()
)

type column struct {
	Column
	index   []int        // where the field is in the struct
	elem    reflect.Type // the field's type, without its pointer
	indexed bool         // has an index (account_id, column, id)
}

func columnsOf[R any](table string) []column {
	t := reflect.TypeFor[R]()
	if t.Kind() != reflect.Struct || t.NumField() == 0 || t.Field(0).Type != baseType || !t.Field(0).Anonymous {
		panic("table " + table + ": the row struct must embed table.Base first")
	}
	var all []column
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || f.Tag.Get("db") == "-" {
			continue
		}
		c, err := columnOf(f)
		if err == nil && slices.ContainsFunc(all, func(o column) bool { return o.Name == c.Name }) {
			err = fmt.Errorf("column %q twice", c.Name)
		}
		if err != nil {
			panic(fmt.Sprintf("table %s: field %s: %v", table, f.Name, err))
		}
		all = append(all, c)
	}
	return all
}

func columnOf(f reflect.StructField) (column, error) {
	c := column{index: f.Index, elem: f.Type}
	if c.elem.Kind() == reflect.Pointer {
		c.elem, c.Nullable = c.elem.Elem(), true
	}
	c.Name = f.Tag.Get("db")
	c.JSON, _, _ = strings.Cut(f.Tag.Get("json"), ",")
	c.Type, c.Personal = typeOf(c.elem), c.elem == personalType
	if !isName(c.Name) || !f.IsExported() {
		return c, fmt.Errorf("needs a tag db:\"<name>\" or db:\"-\", and to be exported")
	}
	switch c.JSON {
	case "-":
		c.JSON = ""
	case "":
		return c, fmt.Errorf("needs a tag json:\"<name>\" or json:\"-\"")
	}
	if err := c.readFilters(f.Tag.Get("filter")); err != nil {
		return c, err
	}
	sort, search := f.Tag.Get("sort"), f.Tag.Get("search")
	c.Sortable, c.Searchable = sort != "", search != ""
	c.indexed = sort == "true" || c.Type == UUID && c.Nullable && slices.Contains(c.Filters, Eq)
	switch {
	case !slices.Contains([]string{"", "true", "scan"}, sort):
		return c, fmt.Errorf("sort:%q is neither \"true\" nor \"scan\"", sort)
	case search != "" && search != "true", search != "" && c.Type != Text:
		return c, fmt.Errorf("search:%q: only \"true\", and only on strings", search)
	case c.Sortable && (c.Type == JSON || c.Type == List):
		return c, fmt.Errorf("a %s cannot be sorted by", c.Type)
	case c.Personal && (c.Sortable || c.Searchable || len(c.Filters) > 0):
		return c, fmt.Errorf("a personal field is sealed: it has no filter, sort or search")
	}
	return c, nil
}

func (c *column) readFilters(tag string) error {
	if tag == "" {
		return nil
	}
	for name := range strings.SplitSeq(tag, ",") {
		op := Op(name)
		if !slices.Contains([]Op{Eq, In, Gte, Lte, IsNull}, op) || slices.Contains(c.Filters, op) {
			return fmt.Errorf("filter %q: unknown, or twice", name)
		}
		if c.Type == JSON && op != IsNull || c.Type == List && op != Eq && op != IsNull {
			return fmt.Errorf("filter %q is not for a %s", name, c.Type)
		}
		c.Filters = append(c.Filters, op)
	}
	return nil
}

func typeOf(t reflect.Type) Type {
	switch t {
	case idType:
		return UUID
	case timeType:
		return Time
	case personalType:
		return Text
	case textsType:
		return List
	}
	switch t.Kind() {
	case reflect.String:
		return Text
	case reflect.Bool:
		return Boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Integer
	case reflect.Float32, reflect.Float64:
		return Number
	default:
		return JSON
	}
}

// sqlType is the column's type in Postgres. Texts sort by bytes, whatever the
// machine's locale is, so that an index never outlives its order.
func (c *column) sqlType() string {
	switch c.Type {
	case Text:
		return `text COLLATE "C"`
	case Integer:
		return "bigint"
	case Number:
		return "double precision"
	case Boolean:
		return "boolean"
	case UUID:
		return "uuid"
	case Time:
		return "timestamptz"
	case List, JSON:
		return "jsonb"
	default:
		panic("table: no type " + string(c.Type))
	}
}

// value is the column's field, or false for null.
func (c *column) value(row reflect.Value) (reflect.Value, bool) {
	v := row.FieldByIndex(c.index)
	if !c.Nullable {
		return v, true
	}
	if v.IsNil() {
		return v, false
	}
	return v.Elem(), true
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
