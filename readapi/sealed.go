package readapi

import (
	"reflect"

	"github.com/igny8/igny8/domain/es"
)

// withoutSecrets copies a value with its personal fields sealed and fields
// tagged `secret:"true"` empty. A personal text that was never sealed is left
// out: it could only be kept in the clear.
func withoutSecrets(value any) any {
	v := copied(reflect.ValueOf(value))
	removeSecrets(v)
	return v.Interface()
}

// copied is a shallow copy that can be set.
func copied(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	return out
}

func removeSecrets(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		inside := copied(v.Elem())
		removeSecrets(inside)
		if v.Kind() == reflect.Pointer {
			inside = inside.Addr()
		}
		v.Set(inside)
	case reflect.Slice:
		if v.IsNil() || !mayHoldPersonal(v.Type().Elem()) {
			return
		}
		items := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(items, v)
		for i := range items.Len() {
			removeSecrets(items.Index(i))
		}
		v.Set(items)
	case reflect.Struct:
		eachField(v, func(field reflect.StructField, value reflect.Value) {
			if field.Tag.Get("secret") == "true" {
				value.SetZero()
				return
			}
			removeSecrets(value)
		}, func(p *es.Personal) { p.SetSealed(p.Token()) })
	default:
	}
}

// eachField calls field with every field of a struct that JSON shows, or
// personal if the struct is a personal text. Fields of an embedded struct are
// shown even where its type is not exported.
func eachField(v reflect.Value, field func(reflect.StructField, reflect.Value), personal func(*es.Personal)) {
	if v.CanAddr() && v.Type() == reflect.TypeFor[es.Personal]() {
		p, _ := v.Addr().Interface().(*es.Personal)
		personal(p)
		return
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
			field(f, v.Field(i))
		}
	}
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
		eachField(v, func(_ reflect.StructField, value reflect.Value) { eachPersonal(value, f) }, f)
	default:
	}
}
