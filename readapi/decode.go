package readapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/domain/es"
)

// decode reads a value that was checked with checkJSON and must fit the schema.
func decode[T any](registry huma.Registry, schema *huma.Schema, raw []byte) (T, error) {
	var (
		value  T
		tree   any
		result huma.ValidateResult
	)
	if err := unmarshal(raw, &tree); err != nil {
		return value, err
	}
	huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, tree, &result)
	fields := fieldErrors(result.Errors)
	if bytes.Contains(raw, []byte("null")) {
		nulls(registry, schema, tree, "", fields)
	}
	if len(fields) > 0 {
		return value, invalid(fields)
	}
	return value, unmarshal(raw, &value)
}

func invalid(fields map[string][]string) error {
	return &es.Error{Class: es.Invalid, Message: "Validation failed", Fields: fields}
}

// nulls finds what is null and may not be: huma lets a null pass for a field
// that may be left out.
func nulls(registry huma.Registry, schema *huma.Schema, value any, path string, fields map[string][]string) {
	for schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	switch value := value.(type) {
	case map[string]any:
		for name, property := range schema.Properties {
			v, sent := value[name]
			at := strings.TrimPrefix(path+"."+name, ".")
			if sent && v == nil && !property.Nullable && (property.Type != "" || property.Ref != "") {
				fields[at] = []string{"This may not be null."}
				continue
			}
			nulls(registry, property, v, at, fields)
		}
	case []any:
		if schema.Items == nil {
			return
		}
		for i, v := range value {
			nulls(registry, schema.Items, v, index(path, i), fields)
		}
	}
}

var (
	missing  = regexp.MustCompile(`^expected required property (\S+) to be present$`)
	internal = regexp.MustCompile(`: .*$`)
)

// fieldErrors turns huma's findings into what is wrong with which field, in our
// words and without the values.
func fieldErrors(errs []error) map[string][]string {
	fields := map[string][]string{}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		var own *httpError
		switch {
		case errors.As(err, &own) && own.field != "":
			fields[own.field] = append(fields[own.field], own.message)
		case errors.As(err, &detail):
			at, message := fieldError(detail)
			if !slices.Contains(fields[at], message) {
				fields[at] = append(fields[at], message)
			}
		}
	}
	return fields
}

func fieldError(d *huma.ErrorDetail) (at, message string) {
	at = d.Location
	for _, place := range []string{"body", "query", "header"} {
		if at == place {
			at = ""
		}
		at = strings.TrimPrefix(at, place+".")
	}
	at = strings.TrimPrefix(at, "body")
	if m := missing.FindStringSubmatch(d.Message); m != nil {
		return strings.TrimPrefix(at+"."+m[1], "."), "This field is required."
	}
	switch {
	case d.Message == "unexpected property":
		return at, "There is no such field."
	case strings.HasPrefix(d.Message, "expected "):
		message = "This must be " + article(internal.ReplaceAllString(strings.TrimPrefix(d.Message, "expected "), ""))
	default:
		message = "This is not valid."
	}
	if at == "" {
		at = "body"
	}
	return at, message
}

func article(text string) string {
	text = strings.TrimPrefix(text, "value to be ")
	for _, kind := range []string{"string to be ", "string to ", "length ", "number ", "array length ", "array items to be "} {
		if rest, ok := strings.CutPrefix(text, kind); ok {
			switch kind {
			case "string to be ":
				return rest + "."
			case "string to ":
				return "a text to " + rest + "."
			case "length ":
				return "of a length " + rest + "."
			default:
				return kind + rest + "."
			}
		}
	}
	switch text {
	case "integer", "array", "object":
		return "an " + text + "."
	case "string", "number", "boolean":
		return "a " + text + "."
	default:
		return text + "."
	}
}

// refusalOf turns what huma found wrong with a request into a failure.
func refusalOf(status int, errs []error) *failure {
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) && strings.HasPrefix(detail.Location, "path.") {
			return plainFailure(http.StatusNotFound)
		}
		var own *httpError
		if errors.As(err, &own) && own.field == "" {
			return describe(own)
		}
	}
	if status == http.StatusUnprocessableEntity || status == http.StatusBadRequest {
		f := plainFailure(http.StatusBadRequest)
		if fields := fieldErrors(errs); len(fields) > 0 {
			f.message, f.fields = "Validation failed", fields
		}
		return f
	}
	return plainFailure(status)
}

// sent is a JSON object whose values are not read yet.
type sent map[string]json.RawMessage
