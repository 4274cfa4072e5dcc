package eventschema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
)

var (
	idType       = reflect.TypeFor[es.ID]()
	timeType     = reflect.TypeFor[time.Time]()
	personalType = reflect.TypeFor[es.Personal]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	textType     = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType     = reflect.TypeFor[json.Marshaler]()
)

func fieldsOf(e es.Event) ([]Field, error) {
	w := walker{sealable: map[string]bool{}}
	es.WithPersonal(e, func(path string, _ *es.Personal) { w.sealable[path] = true })
	if err := w.structure(reflect.TypeOf(e), "", nil); err != nil {
		return nil, err
	}
	slices.SortFunc(w.fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	return w.fields, nil
}

// walker collects the fields of one event.
type walker struct {
	fields []Field
	// sealable are the personal fields that the kernel finds and seals.
	sealable map[string]bool
}

func (w *walker) structure(t reflect.Type, under string, outer []reflect.Type) error {
	if slices.Contains(outer, t) {
		return fmt.Errorf("%s contains itself, so its schema has no end", t)
	}
	outer = append(outer, t)
	for field := range t.Fields() {
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case name == "-" && options == "":
			continue
		case field.Anonymous && name == "":
			if err := w.structure(field.Type, under, outer); err != nil {
				return err
			}
			continue
		case !field.IsExported():
			continue
		case !tagged || name == "":
			return fmt.Errorf("%s.%s has no json tag: a stored name never derives from a Go name", t, field.Name)
		}
		path := name
		if under != "" {
			path = under + "." + name
		}
		f := Field{Path: path}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty", "omitzero":
				f.Optional = true
			case "string":
				return fmt.Errorf("%s: the json option string changes the stored type and is not supported", path)
			}
		}
		if err := w.value(field.Type, f, outer); err != nil {
			return err
		}
	}
	return nil
}

// value adds the field f of type t, and what is inside of it.
func (w *walker) value(t reflect.Type, f Field, outer []reflect.Type) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		f.Nullable = !f.Optional
	}
	add := func(jsonName string) error {
		f.JSON = jsonName
		w.fields = append(w.fields, f)
		return nil
	}
	switch {
	case t == personalType:
		f.Personal = true
		if !w.sealable[f.Path] {
			return fmt.Errorf("%s: the kernel does not seal a personal text in an array, an object, behind a pointer or in an embedded unexported struct; put it into the event itself or an exported nested struct", f.Path)
		}
		return add("string")
	case t == idType:
		return add("uuid")
	case t == timeType:
		return add("date-time")
	case t == rawType:
		return add("any")
	case t.Implements(textType):
		return add("string")
	case t.Implements(jsonType) || reflect.PointerTo(t).Implements(jsonType):
		return fmt.Errorf("%s: %s writes its JSON itself, so its schema cannot be known; use plain fields", f.Path, t)
	}
	switch t.Kind() {
	case reflect.String:
		return add("string")
	case reflect.Bool:
		return add("boolean")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return add("integer")
	case reflect.Float32, reflect.Float64:
		return add("number")
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return add("base64")
		}
		f.Nullable = f.Nullable || t.Kind() == reflect.Slice && !f.Optional
		_ = add("array")
		return w.value(t.Elem(), Field{Path: f.Path + "[]"}, outer)
	case reflect.Map:
		f.Nullable = f.Nullable || !f.Optional
		_ = add("object")
		return w.value(t.Elem(), Field{Path: f.Path + ".*"}, outer)
	case reflect.Struct:
		_ = add("object")
		return w.structure(t, f.Path, outer)
	default:
		return fmt.Errorf("%s: a %s cannot be stored", f.Path, t)
	}
}
