package identity

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// OpensAccount opens the account of who signed up, should their sign-up have
// been cut off before it did. It sends the same command as the sign-up, so that
// only one of them takes effect.
func OpensAccount(accounts Accounts) commands.Reaction {
	return func(ctx context.Context, rec es.Recorded, e es.Event) error {
		registered, ok := e.(identity.UserRegistered)
		if !ok || registered.Opens == nil {
			return nil
		}
		r := opening(commands.Request{
			Command: rec.Command, Request: rec.Request, Correlation: rec.Correlation,
		}, rec.Stream.Account)
		_, err := accounts.Open(ctx, r, rec.Stream.ID, *registered.Opens)
		if err == nil || opened(ctx, accounts, rec.Stream.Account) {
			return nil
		}
		return fmt.Errorf("opening the account of user %s: %w", rec.Stream.ID, err)
	}
}

// opened says that an account is there, whatever became of it since.
func opened(ctx context.Context, accounts Accounts, id es.ID) bool {
	account, err := accounts.Account(ctx, id)
	return err == nil && account.ID == id
}

// EndsSessions logs out a user who was deleted.
func EndsSessions(tokens RefreshTokens) commands.Reaction {
	return func(ctx context.Context, rec es.Recorded, e es.Event) error {
		if _, ok := e.(es.Deleted); !ok || rec.Stream.Kind != identity.UserKind.Name {
			return nil
		}
		_, err := tokens.RevokeAll(ctx, rec.Stream.Account, rec.Stream.ID, "deleted")
		return err
	}
}
