package readapi

import (
	"context"
	"net/http"

	"github.com/igny8/igny8/domain/es"
)

// Route is where and how an operation is served. It is data: what it says is
// enforced, and is what the OpenAPI document says.
type Route struct {
	Method string
	// Path is under /api/v1/ and ends in a slash: "auth/login/",
	// "tenancy/sites/{id}/sectors/". With a leading slash it is absolute.
	Path    string
	Summary string
	// Description is Markdown, for the document.
	Description string
	// Name is the operation's id in the document; "" makes one of method and path.
	Name string
	// Public routes ask for no credentials and look at none. All others run
	// only for a Principal with an account.
	Public bool
	// Least is the least role; "" is viewer. The Bus asks again for commands.
	Least es.Role
	// Ungated routes are reached by accounts that the gate stops: auth, account
	// and billing.
	Ungated bool
	// Status of a success; 0 is 200.
	Status int
	// Throttle names the scope of DOMAIN.md section 2; "" takes the path's first
	// word if that is a scope, else "default".
	Throttle string
	// Unthrottled routes are for whoever watches the process.
	Unthrottled bool
	// Undocumented routes of Raw are pages for people: the document of the API does
	// not hold them.
	Undocumented bool
	// Codes are further statuses that can occur, for the document. Those of the
	// edge itself (400, 401, 403, 404, 429, 503 and so on) need not be named.
	Codes []int
	// Safe marks a route that changes nothing though its method is not GET, so
	// that it takes no Idempotency-Key.
	Safe bool
	// DryRuns says that the handler makes its changes only by commands from
	// Call.Ask, so that ?dry_run=true can be answered; else it is refused.
	DryRuns bool
}

// Top is embedded by answers that are an envelope of their own, such as a feed,
// instead of the data of one.
type Top struct {
	Success   bool   `json:"success"`
	RequestID string `json:"request_id"`
}

// Handle mounts one operation. In is a struct of `path:"id"`, `query:"limit"`
// and `header:"..."` fields and of Body, as huma reads them; unknown body fields
// and invalid values are answered with 400 before the handler runs. Out becomes
// the envelope's data, or the whole answer if it embeds Top. A route that
// writes (any but GET) takes an Idempotency-Key: a repeat answers what is kept,
// with fields tagged `secret:"true"` left out, and personal fields sealed while
// kept. It panics on a route that cannot be served: that is a mistake in the
// program.
//
// The handler finds who asks, and makes its commands, with CallOf(ctx).
func Handle[In, Out any](api *API, route Route, handler func(context.Context, *In) (*Out, error)) {
	mountTyped(api, route, handler)
}

// Raw mounts a handler that writes its own answer: streams, uploads. The same
// guards stand before it; it takes no Idempotency-Key and has no time limit.
func Raw(api *API, route Route, handler http.HandlerFunc) { mountRaw(api, route, handler) }

// Refuse answers a Raw handler's request with an error, as that of any route.
func Refuse(r *http.Request, err error) {
	call := CallOf(r.Context())
	call.edge.writeFailure(r.Context(), call.echo, call, err)
}
