package system

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
	"github.com/igny8/igny8/readapi"
)

// MountEventDocuments mounts GET /api/v1/asyncapi.json, the AsyncAPI 3.1 document
// of every event type, and GET /api/v1/events/schemas/{type}, the JSON Schema of
// one type's data, with .json after it or not; 404 for a type that there is not.
// Both are public, and the same for everybody. It panics on a registry whose
// events have no schema, which a test refuses long before.
func MountEventDocuments(api *readapi.API, registry *es.Registry) {
	whole := sync.OnceValue(func() []byte {
		document, err := eventschema.AsyncAPI(registry)
		if err != nil {
			panic("system: " + err.Error())
		}
		return document
	})
	readapi.Raw(api, readapi.Route{
		Method: http.MethodGet, Path: "/api/v1/asyncapi.json", Name: "asyncapi", Public: true, Throttle: "system",
		Summary: "Every event that others may subscribe to, AsyncAPI 3.1",
	}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.aai.asyncapi+json;version=3.1.0")
		_, _ = w.Write(whole()) // who went away misses nothing.
	})
	schemas := sync.OnceValue(func() map[string]json.RawMessage {
		all, err := eventschema.Of(registry)
		if err != nil {
			panic("system: " + err.Error())
		}
		byType := map[string]json.RawMessage{}
		for _, s := range all {
			if byType[s.Type], err = json.Marshal(s.JSONSchema()); err != nil {
				panic("system: " + err.Error())
			}
		}
		return byType
	})
	readapi.Raw(api, readapi.Route{
		Method: http.MethodGet, Path: "/api/v1/events/schemas/{type}", Name: "events.schema", Public: true, Throttle: "system",
		Summary: "What the data of an event type holds, JSON Schema 2020-12",
	}, func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		name = strings.TrimPrefix(strings.TrimSuffix(name, ".json"), typePrefix)
		schema, known := schemas()[name]
		if !known {
			readapi.Refuse(r, es.Refuse(es.NotFound, "", "There is no event type of this name."))
			return
		}
		w.Header().Set("Content-Type", "application/schema+json")
		_, _ = w.Write(schema) // as above.
	})
}
