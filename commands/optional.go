package commands

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Optional is a field of a change that may be left out, null or a value, which
// are three different wishes: keep it, empty it, set it. Tag it `omitzero`; tag
// it `nullable:"false"` as well where null is not allowed.
type Optional[T any] struct {
	Set   bool // the field was sent
	Null  bool // it was sent as null
	Value T
}

// Some is an Optional that sets a value.
func Some[T any](value T) Optional[T] { return Optional[T]{Set: true, Value: value} }

// Null is an Optional that empties.
func Null[T any]() Optional[T] { return Optional[T]{Set: true, Null: true} }

// Or is the value that was sent, or current when none was, or it was null.
func (o Optional[T]) Or(current T) T {
	if !o.Set || o.Null {
		return current
	}
	return o.Value
}

// OrZero is the value that was sent, the zero value for null, or current when
// nothing was sent.
func (o Optional[T]) OrZero(current T) T {
	if !o.Set {
		return current
	}
	return o.Value
}

// Pointer is what a field that can be empty becomes: current when nothing was
// sent, nil for null, else the value.
func (o Optional[T]) Pointer(current *T) *T {
	switch {
	case !o.Set:
		return current
	case o.Null:
		return nil
	default:
		return &o.Value
	}
}

// IsZero says that the field was left out.
func (o Optional[T]) IsZero() bool { return !o.Set }

// Elem is the type of the value, for whoever describes the field.
func (Optional[T]) Elem() reflect.Type { return reflect.TypeFor[T]() }

// UnmarshalJSON is called only for a field that was sent.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	*o = Optional[T]{Set: true}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		o.Null = true
		return nil
	}
	return json.Unmarshal(data, &o.Value)
}

// MarshalJSON writes null for a field that is left out or null.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.Set || o.Null {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}
