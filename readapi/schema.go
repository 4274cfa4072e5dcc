package readapi

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/domain/es"
)

const (
	schemaPrefix = "#/components/schemas/"
	uuidPattern  = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
)

// optional is implemented by commands.Optional.
type optional interface{ Elem() reflect.Type }

// schemas is the document's registry of schemas. It knows ids, personal texts
// and optional fields, and two types of one name in different packages.
type schemas struct {
	byName map[string]*huma.Schema
	types  map[string]reflect.Type
	names  map[reflect.Type]string
}

func newSchemas() *schemas {
	return &schemas{byName: map[string]*huma.Schema{}, types: map[string]reflect.Type{}, names: map[reflect.Type]string{}}
}

// Schema describes a type, by reference where it is a struct.
func (s *schemas) Schema(t reflect.Type, allowRef bool, hint string) *huma.Schema {
	nullable := t.Kind() == reflect.Pointer
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := reflect.Zero(t).Interface().(type) {
	case es.ID:
		return ready(&huma.Schema{Type: huma.TypeString, Format: "uuid", Pattern: uuidPattern, PatternDescription: "a UUID", Nullable: nullable})
	case es.Personal:
		return ready(&huma.Schema{Type: huma.TypeString, Nullable: nullable})
	case optional:
		return s.Schema(reflect.PointerTo(v.Elem()), allowRef, hint)
	case *failure, failure:
		return s.Schema(reflect.TypeFor[ErrorBody](), allowRef, hint)
	}
	if !named(t) {
		if nullable {
			t = reflect.PointerTo(t)
		}
		return huma.SchemaFromType(s, t)
	}
	name, known := s.names[t]
	if !known {
		name = s.name(t, hint)
		s.names[t], s.types[name], s.byName[name] = name, t, &huma.Schema{}
		s.byName[name] = huma.SchemaFromType(s, t)
	}
	if allowRef {
		return &huma.Schema{Ref: schemaPrefix + name}
	}
	return s.byName[name]
}

// partly is a row's schema when only some of its fields were asked for, in an
// envelope that holds it as data or results.
func (s *schemas) partly(envelope, row reflect.Type) *huma.Schema {
	whole := *s.Schema(row, false, "")
	name := s.names[row] + "Part"
	whole.Required = nil
	whole.Description = "Only the fields that were asked for."
	s.byName[name] = ready(&whole)
	outer := *s.Schema(envelope, false, "")
	part := &huma.Schema{Ref: schemaPrefix + name}
	if outer.Properties["results"] != nil {
		part = &huma.Schema{Type: huma.TypeArray, Items: part}
		outer.Properties = with(outer.Properties, "results", part)
	} else {
		outer.Properties = with(outer.Properties, "data", part)
	}
	return &outer
}

func ready(s *huma.Schema) *huma.Schema {
	s.PrecomputeMessages()
	return s
}

// named says whether a type has an entry of its own in the document.
func named(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[huma.SchemaProvider]())
}

// name is the type's own, with its package before it when that is taken.
func (s *schemas) name(t reflect.Type, hint string) string {
	name := plainName(t.Name())
	if name == "" {
		name = plainName(hint)
	}
	if _, taken := s.byName[name]; taken {
		name = capital(t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]) + name
	}
	unique := name
	for i := 2; s.byName[unique] != nil; i++ {
		unique = name + strconv.Itoa(i)
	}
	return unique
}

// plainName turns Data[github.com/a/planner.Keyword] into DataKeyword.
func plainName(name string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("[]*, ", r) }) {
		part, _, _ = strings.Cut(part[strings.LastIndexAny(part, "/")+1:], "·") // a type inside a function.
		b.WriteString(capital(part[strings.LastIndex(part, ".")+1:]))
	}
	return b.String()
}

func capital(word string) string {
	for i, r := range word {
		return string(unicode.ToUpper(r)) + word[i+len(string(r)):]
	}
	return ""
}

// SchemaFromRef is the schema that a reference names.
func (s *schemas) SchemaFromRef(ref string) *huma.Schema {
	return s.byName[strings.TrimPrefix(ref, schemaPrefix)]
}

// TypeFromRef is the type that a reference names.
func (s *schemas) TypeFromRef(ref string) reflect.Type {
	return s.types[strings.TrimPrefix(ref, schemaPrefix)]
}

// Map is all of them by name.
func (s *schemas) Map() map[string]*huma.Schema { return s.byName }

// RegisterTypeAlias is not used: this registry knows its special types.
func (s *schemas) RegisterTypeAlias(reflect.Type, reflect.Type) {}

// MarshalJSON writes the document's part.
func (s *schemas) MarshalJSON() ([]byte, error) { return json.Marshal(s.byName) }
