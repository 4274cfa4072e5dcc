package identity

import (
	"context"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// Passwords keeps a password for each user; infra/credentials does.
type Passwords interface {
	// Create sets a new user's password. A repeat leaves the first one as it
	// is and says whether the password is that one.
	Create(ctx context.Context, account, user es.ID, password string) (same bool, err error)
	// Check says whether it is the user's password, and CheckNobody takes as
	// long for a person who does not exist.
	Check(ctx context.Context, account, user es.ID, password string) (bool, error)
	CheckNobody(ctx context.Context, password string) error
	Delete(ctx context.Context, account, user es.ID) error
}

// RefreshTokens keeps what people prove with that they logged in before;
// infra/credentials does.
type RefreshTokens interface {
	// Issue begins a session; a repeat under the same command continues it.
	Issue(ctx context.Context, account, user, command es.ID) (RefreshToken, error)
	// Rotate uses a token up for the next one, or refuses (es.Unauthorized).
	Rotate(ctx context.Context, token string, command es.ID) (RefreshToken, error)
	// Revoke ends one session of a user, RevokeToken that of a token, and
	// RevokeAll all of a user's.
	Revoke(ctx context.Context, account, user, session es.ID, reason string) (bool, error)
	RevokeToken(ctx context.Context, token, reason string) error
	RevokeAll(ctx context.Context, account, user es.ID, reason string) (int64, error)
}

// RefreshToken is one that was just issued. Text exists nowhere else.
type RefreshToken struct {
	Text      string
	Session   es.ID
	Account   es.ID
	User      es.ID
	ExpiresAt time.Time
}

// AccessTokens signs what people show with every request; infra/jwt does.
type AccessTokens interface {
	Sign(ctx context.Context, who Bearer) (token string, expires time.Time, err error)
	// Verify refuses (es.Unauthorized) what was not signed here or has expired.
	Verify(ctx context.Context, token string) (Bearer, error)
}

// Bearer is whom an access token speaks for. It holds no name and no e-mail
// address.
type Bearer struct {
	User    es.ID
	Account es.ID
	Role    es.Role
	Session es.ID // the login that it came from
}

// Emails finds who holds an e-mail address.
type Emails interface {
	ClaimHolder(ctx context.Context, scope string, key []byte) (holder es.StreamID, ok bool, err error)
}

// ClaimKeys is what the claim on a personal value is stored under; infra/vault
// tells.
type ClaimKeys interface {
	ClaimKey(ctx context.Context, scope, value string) ([]byte, error)
}

// Accounts is what sign-up needs of the module that decides about accounts.
type Accounts interface {
	// CheckPlan refuses (es.Invalid, field plan_slug) a plan that nobody can
	// sign up for.
	CheckPlan(ctx context.Context, slug string) error
	// Open opens the account r.Target for its owner. The same r.Command again
	// changes nothing.
	Open(ctx context.Context, r commands.Request, owner es.ID, n identity.NewAccount) (commands.Outcome, error)
	// Account is the account as it is now.
	Account(ctx context.Context, id es.ID) (AccountSummary, error)
}

// AccountSummary is what people see of their account when they log in; the
// account's own resource has the same names.
type AccountSummary struct {
	ID       es.ID  `json:"id"`
	Name     string `json:"name"`
	Slug     string `json:"slug"`
	OwnerID  *es.ID `json:"owner_id"`
	PlanSlug string `json:"plan_slug"`
	Status   string `json:"status"`
}
