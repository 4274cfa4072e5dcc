package readapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/igny8/igny8/readapi"
)

type openAPI struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Tags        []string
		Security    []map[string][]string
		Parameters  []struct{ Name, In string }
		Responses   map[string]any
	}
}

func documentOf(t *testing.T, api *readapi.API) (openAPI, validator.Validator) {
	t.Helper()
	var document openAPI
	if err := json.Unmarshal(api.Document(), &document); err != nil {
		t.Fatal(err)
	}
	parsed, err := libopenapi.NewDocument(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(parsed)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return document, v
}

func TestTheDocumentIsValidAndHoldsEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	document, v := documentOf(t, w.api)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s: %v", e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
	var documented, ids []string
	for path, operations := range document.Paths {
		for method, op := range operations {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			ids = append(ids, op.OperationID)
			if len(op.Tags) == 0 || op.OperationID == "" || op.Responses["400"] == nil || op.Responses["503"] == nil {
				t.Errorf("%s %s says too little: %+v", method, path, op)
			}
		}
	}
	slices.Sort(documented)
	routed := w.api.Routed()
	slices.Sort(routed)
	if !slices.Equal(documented, routed) || !slices.Equal(documented, w.api.Mounted()) {
		t.Errorf("documented %v\nrouted %v\nmounted %v", documented, routed, w.api.Mounted())
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("operation ids are not unique: %v", ids)
	}
	list := document.Paths["/api/v1/test/widgets/"]["get"]
	for _, name := range []string{"page", "cursor", "ordering", "search", "fields", "deleted", "size__gte", "size__isnull", "name__in", "X-Consistency-Token"} {
		if !slices.ContainsFunc(list.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name }) {
			t.Errorf("the list does not tell of %s", name)
		}
	}
	served := w.want(w.do("GET", "openapi.json", "", func(r *http.Request) { r.Header.Del("Authorization") }), 200, "")
	if !bytes.Equal(served.raw, w.api.Document()) || served.Header.Get("Content-Type") != "application/openapi+json" {
		t.Errorf("served: %v", served.Header)
	}
}

func TestAnswersAreWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, v := documentOf(t, w.api)
	check := func(method, path, body string, more ...with) *answer {
		t.Helper()
		a := w.do(method, path, body, more...)
		r := httptest.NewRequestWithContext(t.Context(), method, "http://example.com"+address(path), strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		a.Body = io.NopCloser(bytes.NewReader(a.raw))
		validate := v.ValidateHttpRequestResponse
		if a.StatusCode >= 400 {
			validate = v.ValidateHttpResponse
		}
		if ok, errs := validate(r, a.Response); !ok {
			for _, e := range errs {
				t.Errorf("%s %s: %s: %s: %v", method, path, e.Message, e.Reason, e.SchemaValidationErrors)
			}
		}
		return a
	}
	made := check("POST", "test/widgets/", `{"name":"lamp","size":1,"maker":"Ann"}`)
	at := "test/widgets/" + made.id() + "/"
	check("GET", at, "", fresh(made))
	check("GET", at+"?fields=name", "", fresh(made))
	check("GET", "test/widgets/?page_size=1&size__gte=1", "")
	check("GET", "test/widgets/?cursor=", "")
	check("PATCH", at, `{"size":null}`)
	check("POST", "test/widgets/?dry_run=true", `{"name":"desk"}`)
	check("POST", "test/widgets/bulk_create/", `{"items":[{"name":"desk"}]}`)
	check("POST", "test/widgets/bulk_update/", `{"ids":["`+made.id()+`"],"size":4}`)
	check("POST", "test/widgets/bulk_update/", `{"items":[{"id":"`+made.id()+`","size":null}]}`)
	check("POST", "test/widgets/bulk_delete/", `{"ids":["`+made.id()+`"]}`)
	check("POST", at+"restore/", "")
	check("DELETE", at, "")
	check("GET", "test/widgets/?deleted=only", "")
	check("GET", "system/events/", "")
	check("POST", "test/login/", `{"name":"ann"}`)
	check("POST", "test/widgets/", `{"name":""}`)
	check("GET", "test/widgets/01890000-0000-7000-8000-000000000009/", "")
	check("GET", "test/widgets/", "", as("nobody"))
	check("POST", "test/widgets/", `x`, head("Accept", "application/problem+json"))
}

func address(path string) string { return "/api/v1/" + path }

func TestStagesComeInThisOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := "recover, request id, access log, security headers, cors, limits, authentication, account gate, throttle, resource tracking"
	if got := strings.Join(w.api.Stages(), ", "); got != want {
		t.Errorf("stages: %s\nwant:   %s", got, want)
	}
}
