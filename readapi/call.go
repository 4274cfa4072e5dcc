package readapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/table"
)

// Call is the request that is being answered, for handlers.
type Call struct {
	// Principal is who asks; zero on public routes.
	Principal Principal
	// RequestID is the X-Request-ID, also in every answer and event.
	RequestID string
	// Command is this request's command id: the same for every try under one
	// Idempotency-Key. Whoever sends several commands derives theirs from it.
	Command es.ID
	// ClientIP is the caller's address, through trusted proxies only.
	ClientIP string
	// DryRun says the client asked with ?dry_run=true.
	DryRun bool
	// IfRevision is what If-Match named, else 0.
	IfRevision int64
	// AtLeast is the position that a read must reflect, from the client's
	// X-Consistency-Token, and Wait how long to wait for it.
	AtLeast int64
	Wait    time.Duration
	// Request is the HTTP request; its body is read already.
	Request *http.Request

	edge     *edge
	echo     echo.Context
	route    *route
	body     []byte
	header   http.Header
	status   int
	outcomes []commands.Outcome
	// streaming is when a stream began; what comes after is not the request's
	// duration.
	streaming time.Time
	wrote     es.ID // the account of the last outcome
}

type callKey struct{}

// CallOf is the call that ctx belongs to. It panics outside of a handler.
func CallOf(ctx context.Context) *Call {
	call, _ := ctx.Value(callKey{}).(*Call)
	if call == nil {
		panic("readapi: no call in this context")
	}
	return call
}

// Ask makes a command of the call: stamped with its account, actor, command id,
// request id, If-Match and dry run. Site, sector and Target are the caller's to
// set, and on public routes the account and the actor.
func (c *Call) Ask(payload any) commands.Request {
	return commands.Request{
		Tenant: es.Tenant{Account: c.Principal.Account}, Actor: c.Principal.Actor,
		Command: c.Command, Request: c.RequestID, Payload: payload,
		IfRevision: c.IfRevision, DryRun: c.DryRun,
	}
}

// Do carries a command out and answers with its ETag and consistency token.
func (c *Call) Do(ctx context.Context, r commands.Request) (commands.Outcome, error) {
	outcome, err := c.edge.options.Bus.Do(ctx, r)
	if err != nil {
		return outcome, err
	}
	if r.DryRun {
		c.outcomes = append(c.outcomes, outcome)
		return outcome, nil
	}
	c.Wrote(outcome)
	return outcome, nil
}

// Wrote gives the answer the ETag and the consistency token of a command that
// the handler had carried out some other way. The last one wins.
func (c *Call) Wrote(outcome commands.Outcome) {
	c.wrote = outcome.Stream.Account
	if outcome.Revision > 0 {
		c.header.Set("ETag", writeETag(outcome.Revision))
	}
	c.TrueAt(outcome.Stream.Account, outcome.Position)
}

// TrueAt says which position of the account's the answer is true for.
func (c *Call) TrueAt(account es.ID, position int64) {
	c.header.Set(consistencyHeader, c.edge.signer.token(account, position))
}

// Shows gives the answer the ETag of a row that was read, and says which
// position it is true for.
func (c *Call) Shows(row table.Base, at int64) {
	c.header.Set("ETag", readETag(row.Revision, row.Position))
	c.TrueAt(row.AccountID, at)
}

// Location names the resource that was made: "planner/keywords/<id>/".
func (c *Call) Location(path string) { c.header.Set("Location", prefix+path) }

// Status sets the status of a success, where it is not the route's.
func (c *Call) Status(code int) { c.status = code }

// Header is the answer's header.
func (c *Call) Header() http.Header { return c.header }
