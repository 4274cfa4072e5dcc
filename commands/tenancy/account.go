package tenancy

import (
	"context"
	"errors"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// CreateAccount asks to open an account; its id is the request's account as
// well. Use Open, which finds a free slug.
type CreateAccount struct {
	Name     string
	Slug     string // empty: from the name
	Owner    es.ID
	Plan     string // a plan's slug
	Timezone string // empty: UTC
	System   bool
}

// Decide asks the account.
func (c CreateAccount) Decide(env es.Env, a tenancy.Account) ([]es.Event, error) {
	return a.Create(env, tenancy.NewAccount{
		Slug: c.Slug, Owner: c.Owner, Plan: c.Plan, System: c.System,
		AccountSettings: tenancy.AccountSettings{Name: c.Name, Timezone: c.Timezone},
	})
}

// ChangeAccountSettings asks for other settings; what is left out stays.
type ChangeAccountSettings struct {
	Name          commands.Optional[string] `json:"name,omitzero" nullable:"false"`
	RetentionDays commands.Optional[int]    `json:"retention_days,omitzero" nullable:"false" doc:"How long what is deleted from now on can be restored, 1 to 365 days."`
	Timezone      commands.Optional[string] `json:"timezone,omitzero" nullable:"false" doc:"An IANA name." example:"Europe/Berlin"`
}

// Decide asks the account.
func (c ChangeAccountSettings) Decide(_ es.Env, a tenancy.Account) ([]es.Event, error) {
	s := a.AccountSettings
	s.Name = c.Name.Or(s.Name)
	s.RetentionDays = c.RetentionDays.Or(s.RetentionDays)
	s.Timezone = c.Timezone.Or(s.Timezone)
	return a.ChangeSettings(s)
}

// ChangeAccountPlan asks to put an account on another plan, by its slug. That
// there is such a plan is the caller's to know.
type ChangeAccountPlan struct{ Plan string }

// Decide asks the account.
func (c ChangeAccountPlan) Decide(_ es.Env, a tenancy.Account) ([]es.Event, error) {
	return a.ChangePlan(c.Plan)
}

// ChangeAccountStatus asks to suspend an account, or to let it be used again.
type ChangeAccountStatus struct {
	Status tenancy.AccountStatus
	Reason string
}

// Decide asks the account.
func (c ChangeAccountStatus) Decide(_ es.Env, a tenancy.Account) ([]es.Event, error) {
	return a.ChangeStatus(c.Status, c.Reason)
}

// Bus carries commands out; *commands.Bus does.
type Bus interface {
	Do(ctx context.Context, r commands.Request) (commands.Outcome, error)
}

// Open opens an account under the request's Target. Where the name's slug is
// taken it gets a short suffix; a slug that was asked for by name does not, and
// is refused with es.Conflict. The same command id again changes nothing and
// answers the same.
func Open(ctx context.Context, bus Bus, r commands.Request, c CreateAccount) (commands.Outcome, error) {
	if r.Command == (es.ID{}) {
		r.Command = commands.NewID()
	}
	if r.Target == (es.ID{}) {
		r.Target = es.Derive(r.Command, "account", 0)
	}
	r.Tenant = es.Tenant{Account: r.Target}
	r.Payload = c
	outcome, err := bus.Do(ctx, r)
	if c.Slug != "" || !slugTaken(err) {
		return outcome, err
	}
	c.Slug = tenancy.WithSuffix(tenancy.AccountSlug(c.Name, r.Target), r.Target)
	r.Payload = c
	return bus.Do(ctx, r)
}

func slugTaken(err error) bool {
	var e *es.Error
	return errors.As(err, &e) && e.Class == es.Conflict && len(e.Fields["slug"]) > 0
}
