package eventschema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

func TestAnEventHasAJSONSchema(t *testing.T) {
	t.Parallel()
	kind := es.Kind[thing]{Name: "test.thing", Events: es.Events(made{}), Evolve: func(*thing, es.Event) {}}
	all, err := eventschema.Of(es.NewRegistry(kind))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(all[0].JSONSchema())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title      string
		Required   []string
		Properties map[string]any
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if want := []string{"at", "broken", "id", "label", "owner", "parent", "tags"}; !reflect.DeepEqual(got.Required, want) {
		t.Errorf("required %v, want %v", got.Required, want)
	}
	for name, want := range map[string]string{
		"id": `{"format":"uuid","type":"string"}`, "at": `{"format":"date-time","type":"string"}`, "weight": `{"type":"number"}`,
		"parent": `{"format":"uuid","type":["string","null"]}`, "tags": `{"items":{"type":"string"},"type":["array","null"]}`,
		"parts":  `{"items":{"properties":{"count":{"type":"integer"},"name":{"type":"string"}},"required":["name"],"type":"object"},"type":"array"}`,
		"labels": `{"additionalProperties":{"type":"string"},"type":"object"}`, "picture": `{"contentEncoding":"base64","type":"string"}`,
		"owner": `{"properties":{"email":{"description":"About a person; erased when they are.","type":"string"}},"required":["email"],"type":"object"}`,
		"extra": `{}`,
	} {
		if one, _ := json.Marshal(got.Properties[name]); string(one) != want {
			t.Errorf("%s: %s, want %s", name, one, want)
		}
	}
	document, err := eventschema.AsyncAPI(es.NewRegistry(kind))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"asyncapi": "3.1.0"`, `"$ref": "#/components/messages/` + got.Title + `"`, `"const": "igny8.` + got.Title + `"`} {
		if !strings.Contains(string(document), want) {
			t.Errorf("no %s", want)
		}
	}
}
