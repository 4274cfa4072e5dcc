package eventschema

import "strings"

// JSONSchema is the event's data as a JSON Schema (2020-12) that any encoder of
// JSON can write. Fields that it does not name may be added in time, so it allows
// them; personal texts are as readers get them, opened or "erased".
func (s Schema) JSONSchema() map[string]any {
	schema := s.object("")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = s.Type
	return schema
}

// object is the schema of the object at a path; "" is the data itself.
func (s Schema) object(path string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range s.Fields {
		name, inside := strings.CutPrefix(f.Path, path)
		if path != "" && inside {
			name, inside = strings.CutPrefix(name, ".")
		}
		if !inside || name == "*" || strings.ContainsAny(name, ".[") {
			continue
		}
		properties[name] = s.value(f)
		if !f.Optional {
			required = append(required, name)
		}
	}
	schema := map[string]any{"type": "object"}
	if free, ok := s.field(path + ".*"); ok && path != "" {
		schema["additionalProperties"] = s.value(free)
		return schema
	}
	schema["properties"] = properties
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func (s Schema) field(path string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Path == path {
			return f, true
		}
	}
	return Field{}, false
}

func (s Schema) value(f Field) map[string]any {
	var schema map[string]any
	switch f.JSON {
	case "any":
		return map[string]any{}
	case "object":
		schema = s.object(f.Path)
	case "array":
		schema = map[string]any{"type": "array"}
		if items, ok := s.field(f.Path + "[]"); ok {
			schema["items"] = s.value(items)
		}
	case "uuid", "date-time":
		schema = map[string]any{"type": "string", "format": f.JSON}
	case "base64":
		schema = map[string]any{"type": "string", "contentEncoding": "base64"}
	default:
		schema = map[string]any{"type": f.JSON}
	}
	if f.Nullable {
		schema["type"] = []any{schema["type"], "null"}
	}
	if f.Personal {
		schema["description"] = "About a person; erased when they are."
	}
	return schema
}
