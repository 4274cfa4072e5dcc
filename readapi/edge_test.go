package readapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

func TestARequestThatTakesTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Timeout = 20 * time.Millisecond })
	a := w.want(w.do("GET", "test/odd/wait/", ""), 503, "timeout")
	checkErrorShape(t, a, false)
}

func TestEveryErrorHasOneShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := "01890000-0000-7000-8000-000000000009"
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"no such path":             {"GET", "test/nothing/", "", 404, "not_found"},
		"a path outside the API":   {"GET", "/etc/passwd", "", 404, "not_found"},
		"a path of tricks":         {"GET", "/api/v1/../v1//test/./widgets", "", 404, "not_found"},
		"another method":           {"PUT", "test/widgets/", `{}`, 405, "method_not_allowed"},
		"a method nobody knows":    {"BREW", "test/widgets/", "", 405, "method_not_allowed"},
		"malformed JSON":           {"POST", "test/widgets/", `{"name":`, 400, "malformed"},
		"something after the JSON": {"POST", "test/widgets/", `{"name":"a"} x`, 400, "malformed"},
		"two values":               {"POST", "test/widgets/", `{"name":"a"}{"name":"b"}`, 400, "malformed"},
		"only spaces":              {"POST", "test/widgets/", `  `, 400, "malformed"},
		"no body":                  {"POST", "test/widgets/", "", 400, "invalid"},
		"a key twice":              {"POST", "test/widgets/", `{"name":"a","name":"b"}`, 400, "malformed"},
		"a key twice inside":       {"POST", "test/widgets/bulk_create/", `{"items":[{"name":"a","name":"b"}]}`, 400, "malformed"},
		"NUL in a text":            {"POST", "test/widgets/", `{"name":"a\u0000"}`, 400, "malformed"},
		"NUL in the body":          {"POST", "test/widgets/", "{\"name\":\"a\x00\"}", 400, "malformed"},
		"invalid UTF-8":            {"POST", "test/widgets/", "{\"name\":\"\xff\"}", 400, "malformed"},
		"deep JSON":                {"POST", "test/widgets/", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), 400, "malformed"},
		"an unknown field":         {"POST", "test/widgets/", `{"name":"a","colour":"red"}`, 400, "invalid"},
		"a name in another case":   {"POST", "test/widgets/", `{"NAME":"a"}`, 400, "invalid"},
		"a wrong type":             {"POST", "test/widgets/", `{"name":7}`, 400, "invalid"},
		"a number too large":       {"POST", "test/widgets/", `{"name":"a","size":1e30}`, 400, "invalid"},
		"a number with a part":     {"POST", "test/widgets/", `{"name":"a","size":1.5}`, 400, "invalid"},
		"a number beyond floats":   {"POST", "test/widgets/", `{"name":"a","size":1e999}`, 400, ""},
		"null":                     {"POST", "test/widgets/", `{"name":null}`, 400, "invalid"},
		"null in a change":         {"PATCH", "test/widgets/" + id + "/", `{"name":null}`, 400, "invalid"},
		"null for all":             {"POST", "test/widgets/", `null`, 400, "invalid"},
		"an array for an object":   {"POST", "test/widgets/", `[]`, 400, "invalid"},
		"a bad id":                 {"POST", "test/widgets/", `{"id":"7","name":"a"}`, 400, "invalid"},
		"a panic":                  {"GET", "test/odd/panic/", "", 500, "internal"},
		"an error of Go":           {"GET", "test/odd/error/", "", 500, "internal"},
		"a bad parameter":          {"GET", "test/odd/x/?n=zero", "", 400, "invalid"},
		"a small parameter":        {"GET", "test/odd/x/?n=0", "", 400, "invalid"},
		"bad query escapes":        {"GET", "test/widgets/?search=%zz", "", 400, "malformed"},
		"NUL in the query":         {"GET", "test/widgets/?search=%00", "", 400, "malformed"},
		"bytes in the query":       {"GET", "test/widgets/?search=%ff", "", 400, "malformed"},
		"NUL in a query name":      {"GET", "test/widgets/?%00=1", "", 400, "malformed"},
		"NUL in the path":          {"GET", "/api/v1/test/widgets/\x00/", "", 400, "malformed"},
		"bytes in the path":        {"GET", "/api/v1/test/widgets/\xff/", "", 400, "malformed"},
		"not in the database":      {"GET", "test/widgets/" + id + "/", "", 404, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.T = t
			for _, accept := range []string{"application/json", "text/html, application/problem+json;q=0.9"} {
				a := w.do(c.method, c.path, c.body, head("Accept", accept))
				w.want(a, c.status, c.code)
				checkErrorShape(t, a, strings.Contains(accept, "problem"))
			}
		})
	}
	logs := w.logs.String()
	if !strings.Contains(logs, "secret of the panic") || !strings.Contains(logs, "unexpected EOF") {
		t.Errorf("what was ours to mend is not in the log: %s", logs)
	}
}

func checkErrorShape(t *testing.T, a *answer, problem bool) {
	t.Helper()
	wants := []string{"success", "error", "code", "request_id"}
	media := "application/json"
	if problem {
		wants, media = []string{"type", "title", "status", "detail", "code", "request_id"}, "application/problem+json"
	}
	if got := a.Header.Get("Content-Type"); got != media {
		t.Errorf("Content-Type %q, want %q", got, media)
	}
	for _, name := range wants {
		if _, ok := a.body[name]; !ok {
			t.Errorf("no %s: %s", name, a.raw)
		}
	}
	for name := range a.body {
		if name != "errors" && !strings.Contains(strings.Join(wants, " "), name) {
			t.Errorf("unexpected %s: %s", name, a.raw)
		}
	}
	if id := a.Header.Get("X-Request-ID"); a.body["request_id"] != id || id == "" {
		t.Errorf("request_id %v, header %s", a.body["request_id"], id)
	}
	for _, leak := range []string{"secret", "EOF", "json:", "Go ", "strconv", "goroutine", "panic", "sql", "\xff"} {
		if strings.Contains(string(a.raw), leak) {
			t.Errorf("it tells %q: %s", leak, a.raw)
		}
	}
	if a.StatusCode == 503 && a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestFieldErrorsNameTheField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, want := range map[string][2]string{
		`{}`:                       {"name", "This field is required."},
		`{"name":""}`:              {"name", "This must be of a length >= 1."},
		`{"name":7}`:               {"name", "This must be a string."},
		`{"name":null}`:            {"name", "This may not be null."},
		`{"name":"a","size":null}`: {"size", "This may not be null."},
		`{"name":"a","size":-1}`:   {"size", "This must be number >= 0."},
		`{"name":"a","size":1e30}`: {"size", "This value is of a wrong type or out of range."},
		`{"name":"a","id":"x"}`:    {"id", "This must be a UUID."},
		`{"name":"a","x":1}`:       {"x", "There is no such field."},
		`7`:                        {"body", "This must be an object."},
	} {
		a := w.want(w.do("POST", "test/widgets/", body), 400, "invalid")
		if got := a.field(want[0]); got != want[1] {
			t.Errorf("%s: %s says %q, want %q: %s", body, want[0], got, want[1], a.raw)
		}
	}
	if a := w.want(w.do("POST", "test/login/", `{"name":null,"since":"x","limit":1.5}`), 400, "invalid"); a.field("name") == "" || a.field("since") == "" || a.field("limit") == "" {
		t.Errorf("%s", a.raw)
	}
	if a := w.want(w.do("POST", "test/login/", `{"name":"a","since":null}`), 400, "invalid"); a.field("since") != "This may not be null." {
		t.Errorf("%s", a.raw)
	}
	if a := w.want(w.do("GET", "test/odd/x/?n=x", "", head("X-Mark", "long")), 400, "invalid"); a.field("n") == "" || a.field("X-Mark") == "" {
		t.Errorf("%s", a.raw)
	}
	w.want(w.do("GET", "test/widgets/", "", head("X-Mark", "\xff")), 400, "malformed")
}

func TestClassesOfRefusalsHaveTheirStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for class, status := range map[es.Class]int{
		es.Invalid: 400, es.Unauthorized: 401, es.Plan: 402, es.Forbidden: 403, es.NotFound: 404, es.Conflict: 409,
		es.Gone: 410, es.Precondition: 412, es.Unavailable: 503, es.Internal: 500, "nonsense": 500,
	} {
		w.bus.before = func(context.Context, commands.Request) error {
			return &es.Error{Class: class, Code: "word", Message: "Told.", Err: errors.New("never told")}
		}
		a := w.do("POST", "test/widgets/", `{"name":"a"}`)
		if a.StatusCode != status || strings.Contains(string(a.raw), "never told") {
			t.Errorf("%s: %d %s", class, a.StatusCode, a.raw)
		}
		if (a.Header.Get("WWW-Authenticate") != "") != (status == 401) || (a.Header.Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: %v", class, a.Header)
		}
		if status == 500 && (a.body["error"] == "Told." || a.body["code"] != "internal") {
			t.Errorf("an internal error told: %s", a.raw)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large := `{"name":"` + strings.Repeat("a", 11<<20) + `"}`
	w.want(w.do("POST", "test/widgets/", large), 413, "too_large")
	w.want(w.do("POST", "test/widgets/", large, func(r *http.Request) { r.ContentLength = -1 }), 413, "too_large")
	w.want(w.do("POST", "test/login/", large, func(r *http.Request) { r.ContentLength = -1 }), 413, "too_large")
	almost := `{"name":"a"` + strings.Repeat(" ", 10<<20-len(`{"name":"a"}`)) + `}`
	w.want(w.do("POST", "test/widgets/", almost), 201, "")
}

func TestOnlyJSONIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "nonsense/", "application/jsonp"} {
		w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, head("Content-Type", media)), 415, "unsupported_media_type")
	}
	w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, head("Content-Type", "application/json; charset=UTF-8")), 201, "")
	w.want(w.do("POST", "test/widgets/", `{"name":"b"}`, func(r *http.Request) { r.Header.Del("Content-Type") }), 201, "")
}

func TestRequestIDsAreTakenOverOnlyWhenHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := "Abc-1._" + strings.Repeat("x", 121)
	a := w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, head("X-Request-ID", good)), 201, "")
	if a.Header.Get("X-Request-ID") != good || a.body["request_id"] != good {
		t.Fatalf("%v %s", a.Header, a.raw)
	}
	feed := w.want(w.do("GET", "system/events/", ""), 200, "")
	if feed.results()[0]["requestid"] != good {
		t.Fatalf("in the event: %s", feed.raw)
	}
	if !strings.Contains(w.logs.String(), "request_id="+good) {
		t.Fatalf("not in the log: %s", w.logs)
	}
	for _, bad := range []string{"", "a b", "é", strings.Repeat("x", 129), "<script>"} {
		if a := w.do("GET", "test/widgets/", "", head("X-Request-ID", bad)); a.Header.Get("X-Request-ID") == bad {
			t.Errorf("%q was taken over", bad)
		}
	}
}

func TestTheAccessLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("GET", "test/widgets/?search=hush-hush", "", as("admin@ann"), head("X-API-Key", "hush"))
	logs := w.logs.String()
	if strings.Contains(logs, "hush") || strings.Contains(logs, "admin@ann") {
		t.Errorf("%s", logs)
	}
	for _, part := range []string{"route=/api/v1/test/widgets/", "status=200", "method=GET", "ms=", "account=" + w.ann.String()} {
		if !strings.Contains(logs, part) {
			t.Errorf("no %s in %s", part, logs)
		}
	}
}

func TestOptionsAndMethodsSayWhatIsAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.want(w.do("DELETE", "test/widgets/", ""), 405, "method_not_allowed")
	if allow := a.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") || strings.Contains(allow, "DELETE") {
		t.Errorf("Allow: %s", allow)
	}
	if a := w.want(w.do("OPTIONS", "test/widgets/", ""), 204, ""); a.Header.Get("Allow") == "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", a.Header)
	}
}

func TestBrowsersOfListedOriginsMayCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Origins = []string{"https://app.example"} })
	preflight := head("Access-Control-Request-Method", "PATCH")
	a := w.want(w.do("OPTIONS", "test/widgets/", "", head("Origin", "https://app.example"), preflight), 204, "")
	if a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "If-Match") ||
		!strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "PATCH") || a.Header.Get("Vary") != "Origin" {
		t.Errorf("%v", a.Header)
	}
	a = w.do("GET", "test/widgets/", "", head("Origin", "https://app.example"))
	if !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "X-Consistency-Token") {
		t.Errorf("%v", a.Header)
	}
	for _, origin := range []string{"https://app.example.evil", "https://APP.example", "null", "http://app.example"} {
		a := w.do("OPTIONS", "test/widgets/", "", head("Origin", origin), preflight)
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may call", origin)
		}
	}
}

func TestAnswersCarrySecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	a := w.do("GET", "test/nothing/", "")
	for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": ""} {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if !strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", a.Header)
	}
	secure := head("X-Forwarded-Proto", "https")
	from := func(address string) with { return func(r *http.Request) { r.RemoteAddr = address + ":1234" } }
	if a := w.do("GET", "test/nothing/", "", secure, from("10.1.2.3")); a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("a trusted proxy was not believed")
	}
	if a := w.do("GET", "test/nothing/", "", secure, from("11.1.2.3")); a.Header.Get("Strict-Transport-Security") != "" {
		t.Error("anybody was believed")
	}
}

func TestTheGateStandsBeforeHandlers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Gate = closed{} })
	stopped := w.want(w.do("GET", "test/widgets/", ""), 402, "plan_inactive")
	if stopped.Header.Get("X-Throttle-Limit") != "100" {
		t.Errorf("%v", stopped.Header)
	}
	w.want(w.do("GET", "test/widgets/", "", as("nobody")), 401, "bad_credentials")
	w.want(w.do("GET", "test/nothing/", ""), 404, "not_found")
	w.want(w.do("POST", "test/login/", `{"name":"a"}`), 200, "")
}

type closed struct{}

func (closed) Admit(context.Context, readapi.Principal) error {
	return es.Refuse(es.Plan, "plan_inactive", "The plan is not active.")
}

func TestThrottlesCountPerCallerAndScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Unthrottled = false })
	first := w.want(w.do("GET", "test/widgets/", ""), 200, "")
	if first.Header.Get("X-Throttle-Limit") != "100" || first.Header.Get("X-Throttle-Remaining") != "99" || first.Header.Get("X-Throttle-Reset") == "" ||
		first.Header.Get("RateLimit-Policy") != `"default";q=100;w=60` || !strings.HasPrefix(first.Header.Get("RateLimit"), `"default";r=99;t=`) {
		t.Fatalf("%v", first.Header)
	}
	var last *answer
	for range 110 {
		if last = w.do("GET", "test/widgets/?page_size=1", ""); last.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	w.want(last, 429, "throttled")
	if last.Header.Get("Retry-After") != "1" || last.Header.Get("X-Throttle-Remaining") != "0" {
		t.Errorf("%v", last.Header)
	}
	w.want(w.do("GET", "test/widgets/", "", as("admin@bob")), 200, "")
	w.want(w.do("GET", "system/events/", ""), 200, "")

	for range 21 {
		last = w.do("GET", "test/widgets/", "", as("nobody"), func(r *http.Request) { r.RemoteAddr = "9.9.9.9:1" })
	}
	w.want(last, 429, "throttled")
}

func TestStrangePathsAndHeadersNeverFailTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewUnstartedServer(w.api)
	server.Config = w.api.Server("")
	server.Start()
	t.Cleanup(server.Close)
	for _, path := range []string{
		"//api/v1/test/widgets/", "/api/v1/test/widgets/%2e%2e/", "/api/v1/test/widgets/..%2f..%2fetc", "/api/v1/test/widgets//",
		"/api/v1/test/widgets/%00/", "/api/v1/test/widgets/" + strings.Repeat("a", 8000) + "/", "/api/v1/test/widgets/;a=b/", "/%c0%ae%c0%ae/",
	} {
		if status := fetch(t, server, path, nil); status < 400 || status >= 500 {
			t.Errorf("%.60s: %d", path, status)
		}
	}
	bomb := http.Header{}
	for i := range 200 {
		bomb.Set("X-Bomb-"+strings.Repeat("x", i+1), strings.Repeat("y", 1000))
	}
	if status := fetch(t, server, "/api/v1/test/widgets/", bomb); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header bomb: %d", status)
	}
}

func fetch(t *testing.T, server *httptest.Server, path string, h http.Header) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	if u, err := url.Parse(path); err == nil && !strings.HasPrefix(path, "//") {
		r.URL.Opaque, r.URL.Path, r.URL.RawPath = "", u.Path, u.RawPath
	}
	r.Header.Set("Authorization", "Bearer admin@ann")
	for name, values := range h {
		r.Header[name] = values
	}
	a, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	return a.StatusCode
}
