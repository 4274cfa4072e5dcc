package tenancy

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// CreatePlan asks to offer a plan, in the platform's account.
type CreatePlan struct {
	Slug string
	tenancy.PlanTerms
}

// Decide asks the plan.
func (c CreatePlan) Decide(env es.Env, p tenancy.Plan) ([]es.Event, error) {
	return p.Create(env, c.Slug, c.PlanTerms)
}

// ChangePlan asks for other terms of a plan.
type ChangePlan struct{ tenancy.PlanTerms }

// Decide asks the plan.
func (c ChangePlan) Decide(_ es.Env, p tenancy.Plan) ([]es.Event, error) {
	return p.Change(c.PlanTerms)
}

// Seed makes the platform's account and the plans that are there from the
// start. What exists already stays as it is, also where an operator changed it.
func Seed(ctx context.Context, bus *commands.Bus) error {
	platform := commands.Request{
		Tenant: es.Tenant{Account: es.PlatformAccount}, Actor: es.System(), Target: es.PlatformAccount,
		Command: es.Derive(es.PlatformAccount, "seed", 0),
	}
	account, err := commands.Load(ctx, bus, tenancy.AccountKind, es.PlatformAccount, es.PlatformAccount)
	if err != nil {
		return fmt.Errorf("reading the platform's account: %w", err)
	}
	if !account.Exists() {
		_, err := Open(ctx, bus, platform, CreateAccount{Name: "Platform", Slug: "platform", Plan: tenancy.InternalPlan, System: true})
		if err != nil {
			return fmt.Errorf("making the platform's account: %w", err)
		}
	}
	for _, seed := range tenancy.SeedPlans() {
		id := tenancy.PlanID(seed.Slug)
		plan, err := commands.Load(ctx, bus, tenancy.PlanKind, es.PlatformAccount, id)
		if err != nil {
			return fmt.Errorf("reading plan %s: %w", seed.Slug, err)
		}
		if plan.Exists() {
			continue
		}
		r := platform
		r.Target, r.Command, r.Payload = id, es.Derive(id, "seed", 0), CreatePlan{Slug: seed.Slug, PlanTerms: seed.PlanTerms}
		if _, err := bus.Do(ctx, r); err != nil {
			return fmt.Errorf("making plan %s: %w", seed.Slug, err)
		}
	}
	return nil
}

// Accounts tells retention windows and limits from the states of accounts and
// their plans. It implements commands.Accounts.
type Accounts struct{ Bus *commands.Bus }

// Policy is what the account's settings and its plan say, at most a moment old.
// An account that does not exist has the default window and no limits; one whose
// plan is missing can take up nothing that plans limit.
func (a Accounts) Policy(ctx context.Context, id es.ID) (commands.Policy, error) {
	account, plan, err := a.Account(ctx, id)
	if err != nil {
		return commands.Policy{}, err
	}
	if !account.Exists() {
		return commands.Policy{RetentionDays: tenancy.DefaultRetentionDays}, nil
	}
	return commands.Policy{RetentionDays: account.RetentionDays, Limits: plan.Limits()}, nil
}

// Account is an account and its plan, at most a moment old. What does not exist
// has Revision 0.
func (a Accounts) Account(ctx context.Context, id es.ID) (tenancy.Account, tenancy.Plan, error) {
	account, err := commands.LoadRecent(ctx, a.Bus, tenancy.AccountKind, id, id)
	if err != nil || !account.Exists() {
		return account, tenancy.Plan{}, err
	}
	plan, err := a.Plan(ctx, account.Plan)
	return account, plan, err
}

// Included is how many credits an account has that opens so: those of its plan,
// as it is now, or none while nobody has paid for it. A plan that does not exist
// is an error.
func (a Accounts) Included(ctx context.Context, opened tenancy.AccountCreated) (int64, error) {
	plan, err := commands.Load(ctx, a.Bus, tenancy.PlanKind, es.PlatformAccount, tenancy.PlanID(opened.Plan))
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading plan %s: %w", opened.Plan, err)
	case !plan.Exists():
		return 0, fmt.Errorf("the plan %q does not exist", opened.Plan)
	case opened.Status != tenancy.AccountActive && opened.Status != tenancy.AccountTrial:
		return 0, nil
	default:
		return plan.IncludedCredits, nil
	}
}

// Plan is the plan with the slug, at most a moment old; one that does not exist
// has Revision 0.
func (a Accounts) Plan(ctx context.Context, slug string) (tenancy.Plan, error) {
	return commands.LoadRecent(ctx, a.Bus, tenancy.PlanKind, es.PlatformAccount, tenancy.PlanID(slug))
}
