package readapi

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/igny8/igny8/domain/es"
)

// prefix is where the API's routes are.
const prefix = "/api/v1/"

// edge is what an API is inside.
type edge struct {
	options  Options
	logger   *slog.Logger
	metrics  Metrics
	clock    func() time.Time
	signer   signer
	throttle *throttle
	open     *openStreams
	echo     *echo.Echo
	huma     huma.API
	schemas  *schemas
	routes   map[string]*route // by method and Echo's path
	document func() []byte
}

// route is a Route that is mounted.
type route struct {
	Route
	pattern string // "/api/v1/planner/keywords/{id}/"
	scope   string
	raw     bool // its body is not read before it
	upload  bool // it reads a file, and is like any other write besides
	stream  bool // it answers with server-sent events
}

func (r *route) least() es.Role {
	if r.Least == "" {
		return es.Viewer
	}
	return r.Least
}

// writes says that the route changes something, and so takes an Idempotency-Key.
func (r *route) writes() bool { return r.Method != http.MethodGet && !r.Safe && (!r.raw || r.upload) }

func newEdge(o Options) *edge {
	o = withDefaults(o)
	setUpHuma()
	e := &edge{
		options: o, logger: o.Logger, metrics: o.Metrics, clock: o.Clock,
		signer: signer{o.Key}, throttle: newThrottle(o.Clock, o.Unthrottled), open: newOpenStreams(o.Streaming.Each),
		echo: echo.New(), schemas: newSchemas(), routes: map[string]*route{},
	}
	e.echo.HideBanner, e.echo.HidePort = true, true
	e.echo.HTTPErrorHandler = func(err error, c echo.Context) { e.writeFailure(c.Request().Context(), c, callIn(c), err) }
	for _, s := range e.chain() {
		e.echo.Use(s.wrap)
	}
	config := huma.Config{
		OpenAPI:       e.describes(),
		Formats:       map[string]huma.Format{"application/json": {Marshal: encode, Unmarshal: unmarshal}, "json": {Marshal: encode, Unmarshal: unmarshal}},
		DefaultFormat: "application/json",
	}
	e.huma = huma.NewAPI(config, bothSlashes{humaecho.NewV4(e.echo, huma.Config{}).Adapter(), e})
	e.huma.UseMiddleware(e.readsBody)
	e.document = sync.OnceValue(e.writeDocument)
	e.mountDocument()
	return e
}

func withDefaults(o Options) Options {
	switch {
	case o.Bus == nil, o.Idempotency == nil, o.Opener == nil, o.Authenticator == nil:
		panic("readapi: Options need Bus, Idempotency, Opener and Authenticator")
	case len(o.Key) != 32:
		panic("readapi: Options.Key must be 32 bytes")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = unobserved{}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = 15 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 10 << 20
	}
	if o.Streaming.Heartbeat <= 0 {
		o.Streaming.Heartbeat = 15 * time.Second
	}
	if o.Streaming.Patience <= 0 {
		o.Streaming.Patience = 10 * time.Second
	}
	if o.Streaming.Each <= 0 {
		o.Streaming.Each = 16
	}
	if o.Version == "" {
		o.Version = "0.0.0"
	}
	return o
}

type unobserved struct{}

func (unobserved) ObserveRequest(string, string, int, time.Duration) {}

// setUpHuma sets what huma keeps in package variables: its errors become ours,
// names match exactly, and an array is never null.
var setUpHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return refusalOf(status, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		f := refusalOf(status, errs)
		if call, ok := ctx.Context().Value(callKey{}).(*Call); ok {
			return call.edge.failureOf(ctx.Context(), call, f)
		}
		return f
	}
})

func encode(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// bothSlashes mounts an operation with and without its last slash, and GET also
// as HEAD, while the document has it once.
type bothSlashes struct {
	huma.Adapter
	edge *edge
}

func (a bothSlashes) Handle(op *huma.Operation, handler func(huma.Context)) {
	methods := []string{op.Method}
	if op.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	r, _ := op.Metadata[routeName].(*route)
	for _, method := range methods {
		for _, path := range slashes(op.Path) {
			one := *op
			one.Method, one.Path = method, path
			a.Adapter.Handle(&one, handler)
			a.edge.routes[method+" "+echoPath(path)] = r
		}
	}
}

const routeName = "route"

func slashes(path string) []string {
	if path == "/" || !strings.HasSuffix(path, "/") {
		return []string{path}
	}
	return []string{path, strings.TrimSuffix(path, "/")}
}

func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// declare checks a Route and gives it what is left out.
func (e *edge) declare(declared Route, raw bool) *route {
	r := &route{Route: declared, raw: raw, pattern: declared.Path}
	if !strings.HasPrefix(r.pattern, "/") {
		r.pattern = prefix + r.pattern
		if !strings.HasSuffix(r.pattern, "/") {
			panic("readapi: a path under /api/v1/ ends in a slash: " + declared.Path)
		}
	}
	if r.Public && r.Least != "" {
		panic("readapi: a public route asks for no role: " + r.pattern)
	}
	if _, known := e.throttle.rates[r.Throttle]; r.Throttle != "" && !known {
		panic(fmt.Sprintf("readapi: no throttle is named %q: %s", r.Throttle, r.pattern))
	}
	if r.scope = r.Throttle; r.scope == "" {
		r.scope = e.throttle.scope(r.pattern)
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	if e.routes[r.Method+" "+echoPath(r.pattern)] != nil {
		panic("readapi: mounted twice: " + r.Method + " " + r.pattern)
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		panic("readapi: no such method: " + r.Method + " " + r.pattern)
	}
	return r
}

// written is the output of every huma handler: it wrote its answer itself.
type written struct{ Body func(huma.Context) }

var done = &written{Body: func(huma.Context) {}} //nolint:gochecknoglobals // never changed.
