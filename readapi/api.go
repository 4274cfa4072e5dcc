// Package readapi is the edge: it turns HTTP requests into commands and reads,
// and answers in one envelope. It owns envelope, errors, ETags, idempotency,
// cursors, consistency tokens and throttles, over Echo and huma, which nothing
// outside this package knows. Modules declare their routes as data in
// readapi/<module>/routes.go with Resource and Handle.
package readapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/projections"
)

// Options are what an API is made of. Bus, Idempotency, Reader, Opener,
// Authenticator and Key are needed; the rest has good defaults.
type Options struct {
	Bus           Bus
	Idempotency   commands.Idempotency
	Reader        *projections.Reader
	Opener        projections.Opener
	Authenticator Authenticator
	// Key signs cursors and consistency tokens: 32 bytes, the same in every
	// process, derived from the master key.
	Key []byte

	Gate    Gate         // nil admits every account
	Metrics Metrics      // nil observes nothing
	Logger  *slog.Logger // nil is slog.Default
	Clock   func() time.Time
	// Origins may call from a browser, each exactly as its Origin header is;
	// none by default.
	Origins []string
	// Proxies are trusted to say in X-Forwarded-For and -Proto whom they speak
	// for; none by default.
	Proxies []netip.Prefix
	// Unavailable says that an error means that something the API needs cannot be
	// reached now: 503 instead of 500. nil takes none for it.
	Unavailable func(error) bool
	// PublicURL is how clients reach the API, for the links in lists; nil takes
	// it from each request.
	PublicURL *url.URL
	// Unthrottled switches throttles off, for benchmarks and contract tests.
	Unthrottled bool

	Timeout     time.Duration // of a request; default 30 s, then 503 timeout
	BodyTimeout time.Duration // of reading a body; default 15 s, then 408
	MaxBody     int64         // bytes of a body; default 10 MiB, then 413
	Version     string        // of the product, for the document
	Streaming   Streaming     // of server-sent events
}

// API serves the routes that were mounted on it. Mount first, serve then.
type API struct{ *edge }

// New makes an API without routes but /api/v1/openapi.json. It panics when what
// is needed is missing.
func New(o Options) *API { return &API{newEdge(o)} }

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }
