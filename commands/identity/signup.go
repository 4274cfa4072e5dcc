package identity

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// SignUp is what somebody says who signs up.
type SignUp struct {
	Email     string
	Password  string
	FirstName string
	LastName  string
	identity.NewAccount
}

// Asked says by which request something is asked. The same Command again
// repeats it instead of doing it twice.
type Asked struct {
	Command es.ID
	Request string // its X-Request-ID
}

// SignUp makes a user, opens the account that they own, and logs them in: first
// the password, then the user, who holds the e-mail address from then on, then
// the account. It can be cut off between any two of these: the same command
// again goes on, and so does the reaction OpensAccount once there is a user.
// Errors: es.Invalid with every fault, es.Conflict ("taken") for an address
// that somebody has.
func (s *Service) SignUp(ctx context.Context, by Asked, up SignUp) (Login, error) {
	account, user := es.Derive(by.Command, "account", 0), es.Derive(by.Command, "user", 0)
	register := RegisterUser{identity.NewUser{
		Email: up.Email, FirstName: up.FirstName, LastName: up.LastName, Role: es.Owner, Opens: &up.NewAccount,
	}}
	if err := s.checkSignUp(ctx, &up, register.NewUser); err != nil {
		return Login{}, err
	}
	r := commands.Request{
		Tenant: es.Tenant{Account: account}, Target: user, Actor: es.Actor{Kind: es.UserActor, ID: user, Role: es.Owner},
		Command: es.Derive(by.Command, "register user", 0), Request: by.Request, Correlation: by.Command,
		Payload: register,
	}
	if err := s.register(ctx, r, up.Password); err != nil {
		return Login{}, err
	}
	opened, err := s.Accounts.Open(ctx, opening(r, account), user, up.NewAccount)
	if err != nil {
		return Login{}, fmt.Errorf("opening the account of a new user: %w", err)
	}
	login, err := s.begin(ctx, account, user, by.Command)
	login.Outcome = opened
	return login, err
}

// register sets the password of a new user and then makes the user. If they are
// refused, the password is forgotten.
func (s *Service) register(ctx context.Context, r commands.Request, password string) error {
	same, err := s.Passwords.Create(ctx, r.Tenant.Account, r.Target, password)
	if err != nil {
		return busy(err)
	}
	if !same {
		return es.Refuse(es.Conflict, "exists", "This sign-up was already sent with another password.")
	}
	s.step("password kept")
	if _, err := s.Bus.Do(ctx, r); err != nil {
		if refusal := es.ClassOf(err); refusal == es.Internal || refusal == es.Unavailable {
			return err // they may be registered after all.
		}
		return s.forget(context.WithoutCancel(ctx), r, err)
	}
	s.step("user registered")
	return nil
}

// forget deletes the password of a user who was refused, and gives the refusal.
func (s *Service) forget(ctx context.Context, r commands.Request, refusal error) error {
	user, err := commands.Load(ctx, s.Bus, identity.UserKind, r.Tenant.Account, r.Target)
	if err != nil || user.Exists() {
		return refusal
	}
	if err := s.Passwords.Delete(ctx, r.Tenant.Account, r.Target); err != nil {
		return fmt.Errorf("forgetting the password of a refused user: %w", err)
	}
	return refusal
}

// checkSignUp refuses a sign-up with everything that is wrong with it, before
// any of it is done.
func (s *Service) checkSignUp(ctx context.Context, up *SignUp, n identity.NewUser) error {
	faults := es.Faults{}
	up.Password = newPassword(faults, up.Password, up.Email)
	_, err := identity.User{}.Register(n)
	if err = collect(faults, err); err != nil {
		return err
	}
	if up.Plan != "" {
		if err := collect(faults, s.Accounts.CheckPlan(ctx, up.Plan)); err != nil {
			return err
		}
	}
	return faults.Err()
}

// opening is the request by which the product opens an account because of a
// registration; it is the same one whoever sends it.
func opening(registration commands.Request, account es.ID) commands.Request {
	return commands.Request{
		Tenant: es.Tenant{Account: account}, Target: account, Actor: es.System(),
		Command: es.Derive(registration.Command, "open account", 0), Causation: es.EventID(registration.Command, 0),
		Request: registration.Request, Correlation: registration.Correlation,
	}
}
