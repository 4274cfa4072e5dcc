package readapi

import (
	"context"
	"net/url"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// Table is what a collection is read from; a *table.Table[R] is one.
type Table[R any] interface {
	Columns() []table.Column
	Parse(url.Values) (table.Query, error)
	List(ctx context.Context, r *projections.Reader, scope table.Scope, q table.Query) (table.Page[R], error)
	Get(ctx context.Context, r *projections.Reader, scope table.Scope, id es.ID, q table.Query) (R, int64, error)
	Open(ctx context.Context, o projections.Opener, account es.ID, rows ...*R) error
}

// ResourceSpec is a collection of rows with a life of their own. R is the row
// struct of its table, which embeds table.Base.
type ResourceSpec[R any] struct {
	// Path is under /api/v1/: "planner/keywords".
	Path string
	// Kind is the persisted name of the aggregate's kind.
	Kind string
	// Table is the read model; the Bus answers writes with rows folded by it.
	Table Table[R]
	// Reads is the least role that reads; "" is viewer.
	Reads es.Role
	// RequireIfMatch answers 428 to a change or delete without If-Match.
	RequireIfMatch bool
	// Throttle as in Route.
	Throttle string
	// Noun is how people call one of them; "" derives it from Kind.
	Noun string
}

// ResourceOp is something that can be asked of a resource besides reading it.
type ResourceOp struct{ mount func(*resource) }

// Resource mounts a collection: the list and the detail, and what the ops add.
//
//	GET    planner/keywords/        the list
//	GET    planner/keywords/{id}/   one of them
func Resource[R any](api *API, spec ResourceSpec[R], ops ...ResourceOp) {
	mountResource(api, spec, ops)
}

// Placed is implemented by the bodies of creates that belong to a site, or to a
// sector of one.
type Placed interface{ Place() (site, sector es.ID) }

// Identified is implemented by the bodies of creates whose client may choose the
// id; zero leaves it to the server.
type Identified interface{ ClientID() es.ID }

// CreateWith adds POST {path}/ and POST {path}/bulk_create/ {"items": [...]}.
// C is the command and the body: its json tags name the fields, its huma tags
// (`maxLength:"200"`, `minimum:"0"`, `doc:"..."`) say what is valid; all fields
// are required but those with `omitempty` or `omitzero`.
func CreateWith[C any]() ResourceOp { return ResourceOp{mount: mountCreate[C]} }

// ChangeWith adds PATCH {path}/{id}/ and POST {path}/bulk_update/, which takes
// {"items": [{"id", ...fields}]} or {"ids": [...], ...fields}. C is the command
// and the body; fields of type commands.Optional tell null from absent.
func ChangeWith[C any]() ResourceOp { return ResourceOp{mount: mountChange[C]} }

// Lifecycle adds DELETE {path}/{id}/, POST {path}/{id}/restore/ and
// POST {path}/bulk_delete/ {"ids": [...]}.
func Lifecycle() ResourceOp { return ResourceOp{mount: mountLifecycle} }

// Act adds POST {path}/{id}/{name}/ for a command that is not a plain change:
// C is the command and the body.
func Act[C any](name, summary string) ResourceOp {
	return ResourceOp{mount: func(r *resource) { mountAct[C](r, name, summary) }}
}
