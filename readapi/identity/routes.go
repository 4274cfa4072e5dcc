// Package identity serves what people ask about themselves: signing up, logging
// in and out, and their profile.
package identity

import (
	"net/http"

	commands "github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/identity"
	projections "github.com/igny8/igny8/projections/identity"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/readapi"
)

// Mount mounts the module's routes.
func Mount(api *readapi.API, service *commands.Service, users *table.Table[projections.User]) {
	s := server{service}
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPost, Path: "auth/register/", Public: true, Status: http.StatusCreated, Throttle: "auth_strict",
		Summary: "Sign up", Description: "Opens an account and logs its owner in.", Codes: []int{http.StatusConflict},
	}, s.register)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPost, Path: "auth/login/", Public: true, Throttle: "auth", Summary: "Log in",
	}, s.logIn)
	for _, path := range []string{"auth/refresh/", "auth/token/refresh/"} {
		readapi.Handle(api, readapi.Route{
			Method: http.MethodPost, Path: path, Public: true, Throttle: "auth", Summary: "Renew an access token",
			Description: "A refresh token serves once; a second use ends its session.",
		}, s.refresh)
	}
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPost, Path: "auth/logout/", Ungated: true, Summary: "Log out",
		Description: "Ends the session of the access token, and that of refresh_token if there is one.",
	}, s.logOut)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "auth/me/", Ungated: true, Summary: "Who I am",
	}, s.me)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPatch, Path: "auth/me/", Ungated: true, Summary: "Change my profile",
		DryRuns: true, Codes: []int{http.StatusPreconditionFailed},
	}, s.changeMe)
	readapi.Resource(api, readapi.ResourceSpec[projections.User]{
		Path: "auth/users", Kind: identity.UserKind.Name, Table: users, Throttle: "default",
	})
}
