package eventschema

import (
	"encoding/json"
	"fmt"

	"github.com/igny8/igny8/domain/es"
)

// PublicPrefix is before every type's name in public.
const PublicPrefix = "igny8."

// AsyncAPI is the AsyncAPI 3.1 document of the events that others may subscribe
// to, one message for each event type that the registry knows, as indented JSON:
// the same each time.
func AsyncAPI(r *es.Registry) ([]byte, error) {
	all, err := Of(r)
	if err != nil {
		return nil, err
	}
	channel, messages := map[string]any{}, map[string]any{}
	schemas := map[string]any{"CloudEvent": cloudEvent()}
	for _, s := range all {
		schema := s.JSONSchema()
		delete(schema, "$schema")
		schemas[s.Type] = schema
		messages[s.Type] = message(s)
		channel[s.Type] = reference("messages", s.Type)
	}
	document := map[string]any{
		"asyncapi": "3.1.0",
		"info": map[string]any{
			"title": "IGNY8 events", "version": "1.0.0",
			"description": "Every change of an account, in order, as CloudEvents 1.0. A released type never changes its meaning or loses a field.",
		},
		"defaultContentType": "application/cloudevents+json",
		"channels": map[string]any{"events": map[string]any{
			"address":     "/api/v1/system/events/stream/",
			"description": "Server-sent events; each id is a cursor that also /api/v1/system/events/?after= takes.",
			"messages":    channel,
		}},
		"operations": map[string]any{"tellEvents": map[string]any{
			"action": "send", "channel": map[string]any{"$ref": "#/channels/events"},
			"summary": "What happened in the account, in order, and what happens, as it does.",
		}},
		"components": map[string]any{"messages": messages, "schemas": schemas},
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the AsyncAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

func reference(kind, name string) map[string]any {
	return map[string]any{"$ref": "#/components/" + kind + "/" + name}
}

func message(s Schema) map[string]any {
	return map[string]any{
		"name": PublicPrefix + s.Type, "title": s.Type, "contentType": "application/cloudevents+json",
		"payload": map[string]any{"allOf": []any{
			reference("schemas", "CloudEvent"),
			map[string]any{"properties": map[string]any{
				"type": map[string]any{"const": PublicPrefix + s.Type},
				"data": map[string]any{"anyOf": []any{reference("schemas", s.Type), map[string]any{"type": "null"}}},
			}},
		}},
	}
}

// cloudEvent is the schema of the envelope.
func cloudEvent() map[string]any {
	text := func(format, description string) map[string]any {
		s := map[string]any{"type": "string"}
		if format != "" {
			s["format"] = format
		}
		if description != "" {
			s["description"] = description
		}
		return s
	}
	number := map[string]any{"type": "integer", "minimum": 1}
	return map[string]any{
		"type": "object",
		"required": []string{
			"specversion", "id", "type", "source", "subject", "time", "datacontenttype", "accountid", "actor",
			"correlationid", "revision", "position", "data",
		},
		"properties": map[string]any{
			"specversion": map[string]any{"const": "1.0"}, "id": text("uuid", ""), "type": text("", ""),
			"source": text("", "/accounts/{account_id}"), "subject": text("", "kind/id of the aggregate"),
			"time": text("date-time", "when it was recorded"), "datacontenttype": map[string]any{"const": "application/json"},
			"accountid": text("uuid", ""), "siteid": text("uuid", ""), "sectorid": text("uuid", ""),
			"actor": text("", "kind:id of who caused it, or system"), "correlationid": text("", "of a request and all that followed"),
			"causationid": text("uuid", "the event or command that caused it"), "requestid": text("", "X-Request-ID"),
			"revision": number, "position": number,
			"data": map[string]any{"description": "The event's own; null once it was purged."},
		},
	}
}
