package eventschema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Sample is an event's data with every field set, the same each time. Personal
// fields hold a token of the right form that opens to nothing.
func Sample(r *es.Registry, eventType string) ([]byte, error) {
	example, ok := r.Example(eventType)
	if !ok {
		return nil, fmt.Errorf("no event type %q is registered", eventType)
	}
	v := reflect.New(reflect.TypeOf(example)).Elem()
	fill(v)
	data, err := json.MarshalIndent(v.Interface(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("a sample of %s: %w", eventType, err)
	}
	return append(data, '\n'), nil
}

func fill(v reflect.Value) {
	switch v.Type() {
	case personalType:
		var p es.Personal
		p.SetSealed(es.SealedPrefix + "sample")
		v.Set(reflect.ValueOf(p))
		return
	case idType:
		v.Set(reflect.ValueOf(es.ID{0: 0x01, 1: 0x90, 6: 0x70, 8: 0x80, 15: 0x01}))
		return
	case timeType:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)))
		return
	case rawType:
		v.SetBytes([]byte(`{"sample":true}`))
		return
	}
	if v.Kind() != reflect.Pointer && v.Type().Implements(textType) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("sample")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(7.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	default:
	}
}

// Lost says, a sentence each, what of stored data does not survive being
// decoded as its event type and written again: what today's code cannot read.
func Lost(r *es.Registry, eventType string, data []byte) []string {
	event, err := r.Decode(es.Recorded{Envelope: es.Envelope{Type: eventType}, Data: data})
	if err != nil {
		return []string{"it cannot be decoded: " + err.Error()}
	}
	again, err := json.Marshal(event)
	if err != nil {
		return []string{"it cannot be written again: " + err.Error()}
	}
	var before, after any
	if err := json.Unmarshal(data, &before); err != nil {
		return []string{"it is no JSON: " + err.Error()}
	}
	if err := json.Unmarshal(again, &after); err != nil {
		return []string{"what is written again is no JSON: " + err.Error()}
	}
	return missing("", before, after)
}

// missing lists the values of before that are not the same in after, which may
// have more.
func missing(path string, before, after any) []string {
	switch before := before.(type) {
	case map[string]any:
		object, _ := after.(map[string]any)
		var lost []string
		for _, name := range sortedNames(before) {
			lost = append(lost, missing(join(path, name), before[name], object[name])...)
		}
		return lost
	case []any:
		array, _ := after.([]any)
		if len(array) != len(before) {
			return []string{fmt.Sprintf("%s: %d values are read as %d", path, len(before), len(array))}
		}
		var lost []string
		for i := range before {
			lost = append(lost, missing(fmt.Sprintf("%s[%d]", path, i), before[i], array[i])...)
		}
		return lost
	default:
		if before == after {
			return nil
		}
		return []string{fmt.Sprintf("%s: %v is read as %v", path, before, after)}
	}
}

// Covers says whether the data has a value for every field of the schema.
func Covers(s Schema, data []byte) bool {
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return false
	}
	seen := map[string]bool{}
	s.visit("", tree, seen)
	return !slices.ContainsFunc(s.Fields, func(f Field) bool { return !seen[f.Path] })
}

func (s Schema) visit(path string, tree any, seen map[string]bool) {
	seen[path] = true
	switch tree := tree.(type) {
	case map[string]any:
		free := slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Path == path+".*" })
		for name, value := range tree {
			if free {
				name = "*"
			}
			s.visit(join(path, name), value, seen)
		}
	case []any:
		for _, value := range tree {
			s.visit(path+"[]", value, seen)
		}
	}
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
