package main

import (
	"context"

	"github.com/igny8/igny8/commands"
	identitycommands "github.com/igny8/igny8/commands/identity"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// signUpAccounts is the tenancy module as sign-up asks it; the two modules do
// not know each other.
type signUpAccounts struct {
	bus     *commands.Bus
	tenancy tenancycommands.Accounts
}

// CheckPlan refuses a plan that nobody can sign up for.
func (a signUpAccounts) CheckPlan(ctx context.Context, slug string) error {
	plan, err := a.tenancy.Plan(ctx, slug)
	if err == nil && !plan.Selectable() {
		return es.Field("plan_slug", "There is no such plan.")
	}
	return err
}

// Open opens the account r.Target for its owner.
func (a signUpAccounts) Open(ctx context.Context, r commands.Request, owner es.ID, n identity.NewAccount) (commands.Outcome, error) {
	return tenancycommands.Open(ctx, a.bus, r, tenancycommands.CreateAccount{Name: n.Name, Owner: owner, Plan: n.Plan})
}

// Account is the account as it is now.
func (a signUpAccounts) Account(ctx context.Context, id es.ID) (identitycommands.AccountSummary, error) {
	account, _, err := a.tenancy.Account(ctx, id)
	if err != nil || !account.Exists() {
		return identitycommands.AccountSummary{}, err
	}
	return identitycommands.AccountSummary{
		ID: id, Name: account.Name, Slug: account.Slug, OwnerID: &account.Owner,
		PlanSlug: account.Plan, Status: string(account.Status),
	}, nil
}
