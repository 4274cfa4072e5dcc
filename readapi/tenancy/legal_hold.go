package tenancy

import (
	"context"
	"net/http"
	"time"

	"github.com/igny8/igny8/commands"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/readapi"
)

// LegalHolds places, lifts and shows legal holds; commands/tenancy has it.
type LegalHolds interface {
	Do(ctx context.Context, r commands.Request) (commands.Outcome, error)
	Of(ctx context.Context, account es.ID) (*domain.LegalHold, error)
}

// LegalHold says whether data of an account may be purged or erased now.
type LegalHold struct {
	AccountID es.ID `json:"account_id"`
	InForce   bool  `json:"in_force"`
	// Reason and PlacedAt are of the hold that is in force.
	Reason   *string    `json:"reason"`
	PlacedAt *time.Time `json:"placed_at"`
}

// ofAccount names an account in the path.
type ofAccount struct {
	ID string `path:"id" doc:"The account's id."`
}

type placing struct {
	ID   string `path:"id" doc:"The account's id."`
	Body tenants.PlaceLegalHold
}

type lifting struct {
	ID   string `path:"id" doc:"The account's id."`
	Body tenants.LiftLegalHold
}

// MountLegalHolds serves legal holds: the platform's developers place and lift
// them, and an account's administrators see theirs.
func MountLegalHolds(api *readapi.API, holds LegalHolds) {
	s := holdService{holds}
	const path = "platform/accounts/{id}/legal-hold/"
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "account/legal-hold/", Least: es.Admin, Ungated: true,
		Summary: "The account's legal hold", Description: "While it is in force nothing of the account is purged or erased.",
	}, func(ctx context.Context, _ *nothing) (*LegalHold, error) {
		return s.show(ctx, readapi.CallOf(ctx).Principal.Account)
	})
	route := readapi.Route{
		Method: http.MethodGet, Path: path, Least: es.Developer, Throttle: "system_admin",
		Summary: "An account's legal hold", Codes: []int{http.StatusNotFound},
	}
	readapi.Handle(api, route, func(ctx context.Context, in *ofAccount) (*LegalHold, error) {
		account, err := in.account()
		if err != nil {
			return nil, err
		}
		return s.show(ctx, account)
	})
	route.Method, route.Summary = http.MethodPost, "Place a legal hold on an account"
	route.Description = "Once this is answered, nothing of the account is purged or erased until the hold is lifted; what is deleted stays deleted. The same again changes nothing."
	readapi.Handle(api, route, func(ctx context.Context, in *placing) (*LegalHold, error) {
		return s.do(ctx, ofAccount{in.ID}, in.Body)
	})
	route.Path, route.Summary = path+"lift/", "Lift an account's legal hold"
	route.Description = "Retention goes on; what is past it is purged soon after."
	readapi.Handle(api, route, func(ctx context.Context, in *lifting) (*LegalHold, error) {
		return s.do(ctx, ofAccount{in.ID}, in.Body)
	})
}

type holdService struct{ holds LegalHolds }

func (s holdService) show(ctx context.Context, account es.ID) (*LegalHold, error) {
	hold, err := s.holds.Of(ctx, account)
	if err != nil {
		return nil, err
	}
	shown := &LegalHold{AccountID: account}
	if hold != nil {
		shown.InForce, shown.Reason, shown.PlacedAt = true, &hold.Reason, &hold.PlacedAt
	}
	return shown, nil
}

func (s holdService) do(ctx context.Context, in ofAccount, payload any) (*LegalHold, error) {
	account, err := in.account()
	if err != nil {
		return nil, err
	}
	call := readapi.CallOf(ctx)
	request := call.Ask(payload)
	request.Target = account
	outcome, err := s.holds.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	call.Wrote(outcome)
	return s.show(ctx, account)
}

func (in ofAccount) account() (id es.ID, err error) {
	if len(in.ID) != len(id.String()) || id.UnmarshalText([]byte(in.ID)) != nil {
		return id, es.Refuse(es.NotFound, "", "There is no such account.")
	}
	return id, nil
}
