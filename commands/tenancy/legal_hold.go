package tenancy

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// PlaceLegalHold asks to keep everything of an account from being purged or
// erased. It is sent with LegalHolds.Do, never by itself.
type PlaceLegalHold struct {
	Reason string `json:"reason" doc:"1 to 500 characters, for the account's administrators; nothing personal." example:"Preservation request 2026-117"`
}

// Decide asks the account.
func (c PlaceLegalHold) Decide(env es.Env, a tenancy.Account) ([]es.Event, error) {
	return a.PlaceLegalHold(env, c.Reason)
}

// LiftLegalHold asks to end an account's legal hold.
type LiftLegalHold struct {
	Reason string `json:"reason" doc:"1 to 500 characters, for the account's administrators; nothing personal."`
}

// Decide asks the account.
func (c LiftLegalHold) Decide(_ es.Env, a tenancy.Account) ([]es.Event, error) {
	return a.LiftLegalHold(c.Reason)
}

// Purges is what destroys data, as a legal hold meets it; infra/retention is it.
type Purges interface {
	// Await returns once what is being destroyed of the account at this moment is
	// done. What begins later sees what was recorded before.
	Await(ctx context.Context, account es.ID) error
}

// LegalHolds places, lifts and shows legal holds.
type LegalHolds struct {
	Bus    *commands.Bus
	Purges Purges
}

// Do places or lifts an account's hold: r.Target is the account, whatever the
// account of who asks, and r.Payload one of the two commands. Once it returns
// without an error a placed hold is in force: nothing of the account is
// destroyed any more. The same again records nothing. Errors: es.Forbidden below
// developer; es.NotFound where there is no such account; es.Unavailable where it
// is not known whether the hold is in force, and the same command finds out.
func (l LegalHolds) Do(ctx context.Context, r commands.Request) (commands.Outcome, error) {
	r.Tenant = es.Tenant{Account: r.Target}
	outcome, err := l.Bus.Do(ctx, r)
	if _, places := r.Payload.(PlaceLegalHold); err != nil || !places || r.DryRun {
		return outcome, err
	}
	if err := l.Purges.Await(ctx, r.Target); err != nil {
		return outcome, &es.Error{
			Class: es.Unavailable, Code: "busy", Err: err,
			Message: "The hold is recorded, and it could not be confirmed that nothing is being purged. Send it again with the same Idempotency-Key.",
		}
	}
	return outcome, nil
}

// Of is the account's hold that is in force now; nil when there is none. Errors:
// es.NotFound where there is no such account.
func (l LegalHolds) Of(ctx context.Context, account es.ID) (*tenancy.LegalHold, error) {
	a, err := commands.Load(ctx, l.Bus, tenancy.AccountKind, account, account)
	if err != nil {
		return nil, fmt.Errorf("reading the legal hold of account %s: %w", account, err)
	}
	if !a.Exists() {
		return nil, es.Refuse(es.NotFound, "", "There is no such account.")
	}
	return a.Hold, nil
}
