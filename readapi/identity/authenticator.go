package identity

import (
	"context"

	commands "github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

// Authenticator tells who an access token stands for, with the role that they
// have now. It implements readapi.Authenticator.
type Authenticator struct {
	Service *commands.Service
	// Platform is the account of the platform's own people.
	Platform es.ID
}

// Authenticate refuses tokens that are not valid or no longer, and those of
// users who were deleted.
func (a Authenticator) Authenticate(ctx context.Context, token string) (readapi.Principal, error) {
	who, err := a.Service.Identify(ctx, token)
	if err != nil {
		return readapi.Principal{}, err
	}
	return readapi.Principal{
		Actor:   es.Actor{Kind: es.UserActor, ID: who.User, Role: who.Role},
		Account: who.Account, Session: who.Session.String(),
		Platform: who.Role == es.Developer || who.Account == a.Platform,
	}, nil
}
