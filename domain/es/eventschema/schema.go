// Package eventschema tells what the data of each event type looks like as
// stored, field by field, and whether a change of it would break what was
// stored or what others read: a field, once released, is never lost, renamed or
// retyped, and what is added must be optional.
package eventschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// Schema is the data of one event type.
type Schema struct {
	Type   string  // "planner.keyword.created.v1"
	Kind   string  // "planner.keyword"
	Fields []Field // by path
}

// Field is one value in an event's data.
type Field struct {
	// Path is where it stands: "details.trend[].volume"; "[]" is each item of
	// an array, "*" each value of an object with free keys.
	Path string
	// JSON is its type: string, integer, number, boolean, array, object, any,
	// or a string of a format: uuid, date-time, base64.
	JSON string
	// Optional fields may be absent, Nullable ones null.
	Optional, Nullable bool
	// Personal fields are about a person and stored sealed.
	Personal bool
}

// Of gives the schema of every event type that the registry knows, by type. An
// error names a field that cannot be kept safely for ever.
func Of(r *es.Registry) ([]Schema, error) {
	var all []Schema
	for _, name := range r.Types() {
		example, _ := r.Example(name)
		fields, err := fieldsOf(example)
		if err != nil {
			return nil, fmt.Errorf("event %s (%T): %w", name, example, err)
		}
		all = append(all, Schema{Type: name, Kind: kindOf(name), Fields: fields})
	}
	return all, nil
}

// kindOf is <module>.<entity> of <module>.<entity>.<what>.v<n>.
func kindOf(eventType string) string {
	parts := strings.SplitN(eventType, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Text is the form in which a schema is kept: the type, and a line per field.
func (s Schema) Text() string {
	width := 0
	for _, f := range s.Fields {
		width = max(width, len(f.Path))
	}
	var b strings.Builder
	b.WriteString(s.Type + "\n")
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "%-*s  %s\n", width, f.Path, f.describe())
	}
	return b.String()
}

func (f Field) describe() string {
	words := []string{f.JSON}
	for _, w := range []struct {
		holds bool
		word  string
	}{{f.Optional, "optional"}, {f.Nullable, "nullable"}, {f.Personal, "personal"}} {
		if w.holds {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, " ")
}

// Parse reads what Text wrote.
func Parse(text string) (Schema, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	s := Schema{Type: strings.TrimSpace(lines[0]), Kind: kindOf(strings.TrimSpace(lines[0]))}
	if strings.Count(s.Type, ".") < 3 {
		return Schema{}, fmt.Errorf("%q is no event type", s.Type)
	}
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		if len(words) < 2 {
			return Schema{}, fmt.Errorf("%s: %q is not <path> <type>", s.Type, line)
		}
		f := Field{Path: words[0], JSON: words[1]}
		for _, word := range words[2:] {
			switch word {
			case "optional":
				f.Optional = true
			case "nullable":
				f.Nullable = true
			case "personal":
				f.Personal = true
			default:
				return Schema{}, fmt.Errorf("%s: %s: %q is not known", s.Type, f.Path, word)
			}
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// Breaks says, a sentence each, what of the released schema no longer holds in
// the present one. Nothing means that the change only adds.
func Breaks(released, present Schema) []string {
	var broken []string
	for _, was := range released.Fields {
		i := slices.IndexFunc(present.Fields, func(f Field) bool { return f.Path == was.Path })
		switch {
		case i < 0:
			broken = append(broken, fmt.Sprintf("the field %s (%s) is lost or renamed", was.Path, was.describe()))
		case present.Fields[i] != was:
			broken = append(broken, fmt.Sprintf("the field %s was %q and is %q", was.Path, was.describe(), present.Fields[i].describe()))
		}
	}
	for _, now := range present.Fields {
		isNew := !slices.ContainsFunc(released.Fields, func(f Field) bool { return f.Path == now.Path })
		if isNew && !now.Optional && !within(now.Path, present.Fields, released.Fields) {
			broken = append(broken, fmt.Sprintf("the new field %s is not optional, but events without it are stored already", now.Path))
		}
	}
	return broken
}

// within says whether a new path lies in an object or array that is new itself
// and optional: then it is absent along with that.
func within(path string, present, released []Field) bool {
	return slices.ContainsFunc(present, func(f Field) bool {
		inside := strings.HasPrefix(path, f.Path+".") || strings.HasPrefix(path, f.Path+"[]")
		return inside && f.Optional && !slices.ContainsFunc(released, func(r Field) bool { return r.Path == f.Path })
	})
}
