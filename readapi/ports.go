package readapi

import (
	"context"
	"errors"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Bus carries commands out; *commands.Bus does.
type Bus interface {
	Do(ctx context.Context, r commands.Request) (commands.Outcome, error)
}

// Principal is who asks.
type Principal struct {
	// Actor carries the role in the account.
	Actor   es.Actor
	Account es.ID
	// Sites are the only sites that reads show; nil shows all of them.
	Sites []es.ID
	// Session ties together what one login leads to; "" where there is none.
	Session string
	// Platform marks people of the platform and developers: they may ask for
	// resource tracking.
	Platform bool
}

// ErrBadCredentials is what an Authenticator answers to credentials that are
// wrong, expired or revoked, which it need not tell apart.
var ErrBadCredentials = errors.New("bad credentials")

// Authenticator tells who a bearer token stands for. Errors: ErrBadCredentials
// (401), an *es.Error, anything else is a failure of ours.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Principal, error)
}

// Gate says whether an account may use the product now: its status and plan
// (403 account_suspended, 402 plan_inactive and so on). It runs after
// authentication and before every handler; Route.Ungated routes pass it by.
type Gate interface {
	Admit(ctx context.Context, p Principal) error
}

// Metrics takes one observation a request. Route is the pattern, never the
// path; it is "" where no route matched.
type Metrics interface {
	ObserveRequest(method, route string, status int, took time.Duration)
}
