package identity

import (
	"context"
	"fmt"
	"time"

	kernel "github.com/igny8/igny8/commands"
	commands "github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	projections "github.com/igny8/igny8/projections/identity"
	"github.com/igny8/igny8/readapi"
)

type server struct{ service *commands.Service }

// registration is the request to sign up.
type registration struct {
	Body struct {
		Email       string `json:"email" example:"ada@example.org"`
		Password    string `json:"password" doc:"8 to 128 characters." format:"password"`
		FirstName   string `json:"first_name" doc:"1 to 100 characters."`
		LastName    string `json:"last_name,omitempty" doc:"At most 100 characters."`
		AccountName string `json:"account_name" doc:"1 to 100 characters."`
		PlanSlug    string `json:"plan_slug,omitempty" doc:"The free plan if left out." example:"free"`
	}
}

// credentials is the request to log in.
type credentials struct {
	Body struct {
		Email    string `json:"email" example:"ada@example.org"`
		Password string `json:"password" format:"password"`
	}
}

// renewal is the request for new tokens.
type renewal struct {
	Body struct {
		RefreshToken string `json:"refresh_token"`
	}
}

// goodbye is the request to log out.
type goodbye struct {
	Body *struct {
		RefreshToken string `json:"refresh_token,omitempty"`
	}
}

// Session is what a person holds who has proved who they are. A repeat under
// the same Idempotency-Key has no tokens.
type Session struct {
	AccessToken  string                  `json:"access_token,omitempty" secret:"true" doc:"For Authorization: Bearer."`
	RefreshToken string                  `json:"refresh_token,omitempty" secret:"true" doc:"Serves once, within 7 days."`
	ExpiresAt    time.Time               `json:"expires_at" doc:"When the access token expires."`
	User         projections.User        `json:"user"`
	Account      commands.AccountSummary `json:"account"`
}

// LoggedOut says that the session has ended.
type LoggedOut struct {
	LoggedOut bool `json:"logged_out"`
}

const freePlan = "free"

func (s server) register(ctx context.Context, in *registration) (*Session, error) {
	b := in.Body
	if b.PlanSlug == "" {
		b.PlanSlug = freePlan
	}
	login, err := s.service.SignUp(ctx, asked(ctx), commands.SignUp{
		Email: b.Email, Password: b.Password, FirstName: b.FirstName, LastName: b.LastName,
		NewAccount: identity.NewAccount{Name: b.AccountName, Plan: b.PlanSlug},
	})
	if err != nil {
		return nil, err
	}
	readapi.CallOf(ctx).Location("auth/users/" + login.User.String() + "/")
	return s.session(ctx, login)
}

func (s server) logIn(ctx context.Context, in *credentials) (*Session, error) {
	login, err := s.service.LogIn(ctx, asked(ctx), in.Body.Email, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return s.session(ctx, login)
}

func (s server) refresh(ctx context.Context, in *renewal) (*Session, error) {
	login, err := s.service.Renew(ctx, asked(ctx), in.Body.RefreshToken)
	if err != nil {
		return nil, err
	}
	return s.session(ctx, login)
}

func (s server) logOut(ctx context.Context, in *goodbye) (*LoggedOut, error) {
	who := readapi.CallOf(ctx).Principal
	session, err := sessionOf(who)
	if err != nil {
		return nil, err
	}
	refresh := ""
	if in.Body != nil {
		refresh = in.Body.RefreshToken
	}
	if err := s.service.LogOut(ctx, who.Account, who.Actor.ID, session, refresh); err != nil {
		return nil, err
	}
	return &LoggedOut{LoggedOut: true}, nil
}

func (s server) me(ctx context.Context, _ *struct{}) (*projections.User, error) {
	call := readapi.CallOf(ctx)
	if err := needsPerson(call.Principal); err != nil {
		return nil, err
	}
	user, err := s.user(ctx, call.Principal.Account, call.Principal.Actor.ID)
	if err != nil {
		return nil, err
	}
	call.Header().Set("ETag", fmt.Sprintf(`"%d.%d"`, user.Revision, user.Position))
	call.TrueAt(user.AccountID, user.Position)
	return user, nil
}

// profile is the request to change one's profile.
type profile struct{ Body commands.ChangeProfile }

func (s server) changeMe(ctx context.Context, in *profile) (*projections.User, error) {
	call := readapi.CallOf(ctx)
	if err := needsPerson(call.Principal); err != nil {
		return nil, err
	}
	r := call.Ask(in.Body)
	r.Target = call.Principal.Actor.ID
	outcome, err := call.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	user, ok := outcome.Row.(projections.User)
	if !ok {
		return nil, fmt.Errorf("a changed user has no row, but %T", outcome.Row)
	}
	return &user, nil
}

// session is the answer to whoever logged in. Its consistency token says when
// the lists have the user and their account.
func (s server) session(ctx context.Context, login commands.Login) (*Session, error) {
	user, err := s.user(ctx, login.Account.ID, login.User)
	if err != nil {
		return nil, err
	}
	readapi.CallOf(ctx).Wrote(kernel.Outcome{
		Stream:   es.StreamID{Account: login.Account.ID},
		Position: max(user.Position, login.Outcome.Position),
	})
	return &Session{
		AccessToken: login.AccessToken, RefreshToken: login.RefreshToken, ExpiresAt: login.ExpiresAt,
		User: *user, Account: login.Account,
	}, nil
}

func (s server) user(ctx context.Context, account, id es.ID) (*projections.User, error) {
	user, err := kernel.LoadRow[projections.User](ctx, s.service.Bus, identity.UserKind, account, id)
	if err != nil {
		return nil, err
	}
	return &user, nil
}

func asked(ctx context.Context) commands.Asked {
	call := readapi.CallOf(ctx)
	return commands.Asked{Command: call.Command, Request: call.RequestID}
}

// needsPerson refuses API keys and the like: they have no profile.
func needsPerson(p readapi.Principal) error {
	if p.Actor.Kind != es.UserActor {
		return es.Refuse(es.Forbidden, "not_a_person", "Only people have a profile.")
	}
	return nil
}

func sessionOf(p readapi.Principal) (session es.ID, err error) {
	if p.Session == "" {
		return session, nil
	}
	if err := session.UnmarshalText([]byte(p.Session)); err != nil {
		return session, fmt.Errorf("the session of a principal: %w", err)
	}
	return session, nil
}
