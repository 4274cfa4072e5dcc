package readapi

import (
	"reflect"

	"github.com/igny8/igny8/domain/es"
)

// withoutSecrets copies a value with its personal fields sealed and fields
// tagged `secret:"true"` empty. A personal text that was never sealed is left
// out: it could only be kept in the clear.
func withoutSecrets(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(withoutSecrets(v.Elem()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return withoutSecrets(v.Elem())
	case reflect.Slice:
		if v.IsNil() || !mayHoldPersonal(v.Type().Elem()) {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(withoutSecrets(v.Index(i)))
		}
		return out
	case reflect.Struct:
		return structWithoutSecrets(v)
	default:
		return v
	}
}

func structWithoutSecrets(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	if p, ok := out.Addr().Interface().(*es.Personal); ok {
		p.SetSealed(p.Token())
		return out
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case !field.IsExported():
		case field.Tag.Get("secret") == "true":
			out.Field(i).SetZero()
		default:
			out.Field(i).Set(withoutSecrets(v.Field(i)))
		}
	}
	return out
}

func mayHoldPersonal(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice:
		return true
	default:
		return false
	}
}

// eachPersonal calls f with every personal field that can be set.
func eachPersonal(v reflect.Value, f func(*es.Personal)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			eachPersonal(v.Elem(), f)
		}
	case reflect.Slice:
		if !mayHoldPersonal(v.Type().Elem()) {
			return
		}
		for i := range v.Len() {
			eachPersonal(v.Index(i), f)
		}
	case reflect.Struct:
		if v.CanAddr() {
			if p, ok := v.Addr().Interface().(*es.Personal); ok {
				f(p)
				return
			}
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachPersonal(v.Field(i), f)
			}
		}
	default:
	}
}
