package es

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Erased is what a personal field reads as once its subject's key is destroyed.
const Erased = "erased"

// SealedPrefix begins every sealed personal field, wherever it is stored.
const SealedPrefix = "sealed.1."

// Personal is a text about a person: an e-mail address, a name, an address. In
// events and read models it is stored sealed under its subject's key; once that
// key is destroyed it reads as Erased, never as an error. In memory it is
// sealed until it was opened, and its zero value is the empty text.
type Personal struct {
	text   string
	sealed string
	opened bool // text is what sealed holds
	erased bool
}

// NewPersonal is a personal text in the clear.
func NewPersonal(text string) Personal { return Personal{text: text} }

// Subjected is implemented by events whose personal fields are about somebody
// other than their own aggregate.
type Subjected interface{ Subject() ID }

// String is the text, or Erased, or "sealed" while it was not opened. It is
// safe to log only where the text itself is.
func (p Personal) String() string {
	switch {
	case p.erased:
		return Erased
	case p.text == "" && p.sealed != "" && !p.opened:
		return "sealed"
	default:
		return p.text
	}
}

// IsErased says that its subject's key was destroyed.
func (p Personal) IsErased() bool { return p.erased }

// IsZero says that it is the empty text.
func (p Personal) IsZero() bool { return p == Personal{} }

// Token is the sealed form, "" if it has none.
func (p Personal) Token() string { return p.sealed }

// SetOpened stores what the sealed form holds.
func (p *Personal) SetOpened(text string) { p.text, p.opened, p.erased = text, true, false }

// SetErased says that the sealed form can never be opened again.
func (p *Personal) SetErased() { p.text, p.opened, p.erased = "", false, true }

// SetSealed stores the sealed form and drops the text.
func (p *Personal) SetSealed(token string) { *p = Personal{sealed: token} }

// Equal compares the texts of two opened values.
func (p Personal) Equal(o Personal) bool { return p.text == o.text && p.erased == o.erased }

// MarshalJSON writes the text once it was opened, and the sealed form before.
func (p Personal) MarshalJSON() ([]byte, error) { return json.Marshal(p.stored()) }

// UnmarshalJSON reads either form.
func (p *Personal) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	p.load(text)
	return nil
}

// Value stores the sealed form in a read model; a text that was never sealed
// is refused.
func (p Personal) Value() (driver.Value, error) {
	if p.sealed == "" && p.text != "" {
		return nil, fmt.Errorf("a personal field must be sealed before it is stored")
	}
	return p.sealed, nil
}

// Scan reads what Value stored.
func (p *Personal) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*p = Personal{}
	case string:
		p.load(src)
	case []byte:
		p.load(string(src))
	default:
		return fmt.Errorf("cannot read a personal field from %T", src)
	}
	return nil
}

func (p Personal) stored() string {
	if p.text == "" && !p.opened && !p.erased && p.sealed != "" {
		return p.sealed
	}
	return p.String()
}

func (p *Personal) load(text string) {
	*p = Personal{text: text}
	if strings.HasPrefix(text, SealedPrefix) {
		*p = Personal{sealed: text}
	}
}

var personalType = reflect.TypeFor[Personal]()

// EachPersonal calls f with every personal field of the struct that ptr points
// to, also in nested structs, with its JSON path.
func EachPersonal(ptr any, f func(path string, p *Personal)) {
	eachPersonal(reflect.ValueOf(ptr).Elem(), "", f)
}

func eachPersonal(v reflect.Value, path string, f func(string, *Personal)) {
	if v.Kind() != reflect.Struct {
		return
	}
	if v.Type() == personalType {
		p, _ := v.Addr().Interface().(*Personal)
		f(path, p)
		return
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() && !field.Anonymous { // JSON writes what an unexported embedded struct exports.
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && !field.Anonymous {
			name = field.Name
		}
		if path != "" && name != "" {
			name = path + "." + name
		} else if name == "" {
			name = path
		}
		eachPersonal(v.Field(i), name, f)
	}
}

// HasPersonal says whether a struct type has personal fields.
func HasPersonal(t reflect.Type) bool {
	found := false
	eachPersonal(reflect.New(t).Elem(), "", func(string, *Personal) { found = true })
	return found
}

// WithPersonal gives a copy of the event after f saw each of its personal
// fields, which it may seal or open; e itself stays as it was.
func WithPersonal(e Event, f func(path string, p *Personal)) Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	eachPersonal(v, "", f)
	out, _ := v.Interface().(Event)
	return out
}

// Encode writes an event's data as it is stored. A personal field that holds a
// text must have been sealed before; otherwise it is an error.
func Encode(e Event) ([]byte, error) {
	unsealed := ""
	WithPersonal(e, func(path string, p *Personal) {
		if p.text != "" {
			unsealed = path
		}
	})
	if unsealed != "" {
		return nil, fmt.Errorf("%s: the personal field %s is not sealed", e.EventType(), unsealed)
	}
	return json.Marshal(e)
}
