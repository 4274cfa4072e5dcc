// Package tenancy serves accounts' settings, plans, industries, sites and
// sectors.
package tenancy

import (
	"net/http"

	commands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
)

// throttle is the scope of what only lies under auth/: the scope auth is for
// credentials.
const throttle = "default"

// Mount serves the module's routes, which read what reader reads.
func Mount(api *readapi.API, reader *projections.Reader) {
	s := service{
		reader: reader, accounts: tenancy.Accounts(), plans: tenancy.Plans(),
		sites: tenancy.Sites(), sectors: tenancy.Sectors(),
	}
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "account/settings/", Summary: "The account and its settings",
	}, s.settings)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPatch, Path: "account/settings/", Summary: "Change the account's settings", Least: es.Admin,
		Description: "What is left out stays. The retention window counts for what is deleted from then on.",
		Codes:       []int{http.StatusPreconditionFailed}, DryRuns: true,
	}, changeSettings)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "auth/plans/", Summary: "The plans that can be chosen", Public: true, Throttle: "auth",
	}, s.selectablePlans)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "auth/industries/", Throttle: throttle, Summary: "The industries and their sectors",
	}, industries)
	readapi.Resource(api, readapi.ResourceSpec[tenancy.Site]{
		Path: "auth/sites", Kind: domain.SiteKind.Name, Table: s.sites, Throttle: throttle,
	}, readapi.CreateWith[commands.CreateSite](), readapi.ChangeWith[commands.ChangeSite](), readapi.Lifecycle())
	readapi.Resource(api, readapi.ResourceSpec[tenancy.Sector]{
		Path: "auth/sectors", Kind: domain.SectorKind.Name, Table: s.sectors, Throttle: throttle,
	}, readapi.CreateWith[commands.CreateSector](), readapi.ChangeWith[commands.ChangeSector](), readapi.Lifecycle())
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "auth/sites/{id}/sectors/", Throttle: throttle, Summary: "The active sectors of a site",
		Codes: []int{http.StatusNotFound},
	}, s.siteSectors)
}
