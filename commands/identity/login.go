package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// Service signs people up and logs them in and out. All ports are needed.
type Service struct {
	Bus       *commands.Bus
	Accounts  Accounts
	Passwords Passwords
	Refresh   RefreshTokens
	Access    AccessTokens
	Emails    Emails
	ClaimKeys ClaimKeys
	// Step is called between the steps of a sign-up with their names; tests
	// kill the process there. It may be nil.
	Step func(name string)
}

// Login is what a person holds who has proved who they are.
type Login struct {
	AccessToken  string
	ExpiresAt    time.Time // of the access token
	RefreshToken string
	User         es.ID
	Account      AccountSummary
	// Outcome is the last that a sign-up wrote; zero otherwise.
	Outcome commands.Outcome
}

var (
	errLogin = es.Refuse(es.Unauthorized, "bad_credentials", "The e-mail address or the password is wrong.")
	errGone  = es.Refuse(es.Unauthorized, "bad_credentials", "These credentials are no longer valid. Log in again.")
)

// LogIn begins a session for who knows a user's e-mail address and password.
// Anything else is refused (es.Unauthorized) in one way and after the same
// time, so that nobody learns which addresses are known.
func (s *Service) LogIn(ctx context.Context, by Asked, email, password string) (Login, error) {
	password = typedPassword(password)
	holder, known, err := s.holder(ctx, email)
	if err != nil {
		return Login{}, err
	}
	var ok bool
	if known && len(password) <= 4*maxPassword {
		ok, err = s.Passwords.Check(ctx, holder.Account, holder.ID, password)
	} else {
		err = s.Passwords.CheckNobody(ctx, "")
	}
	if err != nil {
		return Login{}, busy(err)
	}
	if !ok {
		return Login{}, errLogin
	}
	return s.begin(ctx, holder.Account, holder.ID, by.Command)
}

// Renew uses a refresh token up and gives new tokens. The same command again
// is a retry, which does not end the session.
func (s *Service) Renew(ctx context.Context, by Asked, token string) (Login, error) {
	next, err := s.Refresh.Rotate(ctx, token, by.Command)
	if err != nil {
		return Login{}, err
	}
	return s.logged(ctx, next)
}

// LogOut ends the session that an access token came from, and that of the
// refresh token if there is one. Ending it again changes nothing; access
// tokens stay valid until they expire.
func (s *Service) LogOut(ctx context.Context, account, user, session es.ID, refresh string) error {
	if session != (es.ID{}) {
		if _, err := s.Refresh.Revoke(ctx, account, user, session, "logout"); err != nil {
			return err
		}
	}
	if refresh == "" {
		return nil
	}
	return s.Refresh.RevokeToken(ctx, refresh, "logout")
}

// Identify says whom an access token speaks for, with the role that they have
// now: es.Unauthorized if the token is not valid or the user was deleted.
func (s *Service) Identify(ctx context.Context, token string) (Bearer, error) {
	who, err := s.Access.Verify(ctx, token)
	if err != nil {
		return Bearer{}, err
	}
	user, err := commands.LoadRecent(ctx, s.Bus, identity.UserKind, who.Account, who.User)
	if err != nil {
		return Bearer{}, err
	}
	if !user.Live() {
		return Bearer{}, errGone
	}
	who.Role = user.Role
	return who, nil
}

func (s *Service) begin(ctx context.Context, account, user, command es.ID) (Login, error) {
	token, err := s.Refresh.Issue(ctx, account, user, command)
	if err != nil {
		return Login{}, err
	}
	return s.logged(ctx, token)
}

func (s *Service) logged(ctx context.Context, refresh RefreshToken) (Login, error) {
	user, err := commands.Load(ctx, s.Bus, identity.UserKind, refresh.Account, refresh.User)
	if err != nil {
		return Login{}, err
	}
	if !user.Live() {
		if _, err := s.Refresh.Revoke(ctx, refresh.Account, refresh.User, refresh.Session, "deleted"); err != nil {
			return Login{}, err
		}
		return Login{}, errGone
	}
	account, err := s.Accounts.Account(ctx, refresh.Account)
	if err != nil {
		return Login{}, fmt.Errorf("reading the account of who logs in: %w", err)
	}
	if account.ID != refresh.Account {
		return Login{}, es.Refuse(es.Unavailable, "account_opening", "The account is still being opened. Try again in a moment.")
	}
	login := Login{RefreshToken: refresh.Text, User: refresh.User, Account: account}
	login.AccessToken, login.ExpiresAt, err = s.Access.Sign(ctx, Bearer{
		User: refresh.User, Account: refresh.Account, Role: user.Role, Session: refresh.Session,
	})
	return login, err
}

func (s *Service) holder(ctx context.Context, email string) (es.StreamID, bool, error) {
	key, err := s.ClaimKeys.ClaimKey(ctx, identity.EmailScope, identity.EmailKey(email))
	if err != nil {
		return es.StreamID{}, false, err
	}
	holder, known, err := s.Emails.ClaimHolder(ctx, identity.EmailScope, key)
	return holder, known && holder.Kind == identity.UserKind.Name, err
}

func (s *Service) step(name string) {
	if s.Step != nil {
		s.Step(name)
	}
}

// busy says that too many log in at once, if that is why.
func busy(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &es.Error{Class: es.Unavailable, Code: "busy", Message: "Too many people log in right now. Try again.", Err: err}
	}
	return err
}

// collect adds the faults of a refusal, and gives back any other error.
func collect(faults es.Faults, err error) error {
	var e *es.Error
	if !errors.As(err, &e) || e.Class != es.Invalid || len(e.Fields) == 0 {
		return err
	}
	for path, what := range e.Fields {
		faults[path] = append(faults[path], what...)
	}
	return nil
}
