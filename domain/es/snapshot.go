package es

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// SnapshotVersion is the version of the state's JSON form, 0 where the kind has
// no snapshots.
func (k Kind[S]) SnapshotVersion() int { return k.Snapshots }

// ReadState reads a state from its JSON form.
func (k Kind[S]) ReadState(data []byte) (any, error) {
	var s S
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("a snapshot of a %s: %w", k.Name, err)
	}
	return s, nil
}

// snapshotFault says why a kind cannot have snapshots: its state would not read
// back from JSON as it was, or it has to do with people, whose erasure a
// snapshot would outlive. It is empty where the kind can.
func snapshotFault(k AnyKind) string {
	for _, e := range k.EventSet().examples {
		if HasPersonal(reflect.TypeOf(e)) {
			return "the event " + e.EventType() + " has personal fields"
		}
	}
	state := reflect.TypeOf(k.Zero())
	sample := reflect.New(state).Elem()
	if fault := fillSample(sample, state.Name(), 0); fault != "" {
		return fault
	}
	data, err := json.Marshal(sample.Interface())
	if err != nil {
		return err.Error()
	}
	read, err := k.ReadState(data)
	switch {
	case err != nil:
		return err.Error()
	case !reflect.DeepEqual(read, sample.Interface()):
		return "its JSON form loses something: a field left out, or two of one name"
	}
	return ""
}

// sampleDepth ends types that contain themselves.
const sampleDepth = 8

var writesItself = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}

// fillSample gives every field of v a value other than its zero one, or says
// which field cannot be kept.
func fillSample(v reflect.Value, path string, depth int) string {
	switch t := v.Type(); {
	case t == personalType:
		return "the field " + path + " is personal"
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)))
		return ""
	case t == reflect.TypeFor[ID]():
		v.Set(reflect.ValueOf(ID{6: 0x70, 8: 0x80, 15: 1}))
		return ""
	case t.Kind() == reflect.Struct && (t.Implements(writesItself[0]) || t.Implements(writesItself[1])):
		return "" // its zero value has to do.
	case depth == sampleDepth:
		return ""
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1.5)
	case reflect.String:
		v.SetString("x")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fillSample(v.Elem(), path, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fillSample(v.Index(0), path+"[]", depth+1)
	case reflect.Array:
		for i := range v.Len() {
			if fault := fillSample(v.Index(i), path+"[]", depth+1); fault != "" {
				return fault
			}
		}
	case reflect.Map:
		return fillMap(v, path, depth)
	case reflect.Struct:
		return fillStruct(v, path, depth)
	default:
		return fmt.Sprintf("the field %s is a %s, which JSON cannot keep", path, v.Kind())
	}
	return ""
}

func fillMap(v reflect.Value, path string, depth int) string {
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for _, part := range []reflect.Value{key, value} {
		if fault := fillSample(part, path+"[]", depth+1); fault != "" {
			return fault
		}
	}
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, value)
	return ""
}

func fillStruct(v reflect.Value, path string, depth int) string {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := path + "." + field.Name
		if !field.IsExported() {
			return "the field " + name + " is not exported: JSON leaves it out"
		}
		if fault := fillSample(v.Field(i), name, depth+1); fault != "" {
			return fault
		}
	}
	return ""
}
