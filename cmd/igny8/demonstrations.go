package main

import (
	"context"

	"github.com/igny8/igny8/commands"
	identitycommands "github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/tenancy"
)

// demonstrations makes what a demonstration needs, beside the server it is on.
type demonstrations struct{ *backend }

// Empty says whether nobody ever signed up.
func (d demonstrations) Empty(ctx context.Context) (bool, error) {
	page, err := d.log.Read(ctx, 0, es.Filter{Types: []string{identity.UserKind.Name + ".*"}}, 1)
	return len(page.Events) == 0, err
}

// Count is how many events the log holds: its positions are dense.
func (d demonstrations) Count(ctx context.Context) (int64, error) { return d.log.Head(ctx) }

// SignUp makes an account on the internal plan, which nobody can choose.
func (d demonstrations) SignUp(ctx context.Context, email, password string) (account, token string, err error) {
	service := *d.identity
	service.Accounts = anyPlan{signUpAccounts{d.bus, d.accounts}}
	login, err := service.SignUp(ctx, identitycommands.Asked{Command: commands.NewID(), Request: "demo"}, identitycommands.SignUp{
		Email: email, Password: password, FirstName: "Demo",
		NewAccount: identity.NewAccount{Name: "Demonstration", Plan: tenancy.InternalPlan},
	})
	if err != nil {
		return "", "", err
	}
	return login.Account.ID.String(), login.AccessToken, nil
}

// anyPlan lets somebody sign up for a plan that is not for sale.
type anyPlan struct{ signUpAccounts }

// CheckPlan refuses no plan that there is.
func (a anyPlan) CheckPlan(ctx context.Context, slug string) error {
	_, err := a.tenancy.Plan(ctx, slug)
	return err
}
