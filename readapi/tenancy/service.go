package tenancy

import (
	"context"

	commands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
)

// service reads the module's tables.
type service struct {
	reader   *projections.Reader
	accounts *table.Table[tenancy.Account]
	plans    *table.Table[tenancy.Plan]
	sites    *table.Table[tenancy.Site]
	sectors  *table.Table[tenancy.Sector]
}

// nothing is the input of routes that take none.
type nothing struct{}

func (s service) settings(ctx context.Context, _ *nothing) (*tenancy.Account, error) {
	call := readapi.CallOf(ctx)
	account := call.Principal.Account
	row, position, err := s.accounts.Get(ctx, s.reader, table.Scope{Account: account, AllSites: true}, account, query(call))
	if err != nil {
		return nil, err
	}
	call.Shows(row.Base, position)
	return &row, nil
}

// changed is the body of a change of settings.
type changed struct {
	Body commands.ChangeAccountSettings
}

func changeSettings(ctx context.Context, in *changed) (*tenancy.Account, error) {
	call := readapi.CallOf(ctx)
	request := call.Ask(in.Body)
	request.Target = call.Principal.Account
	outcome, err := call.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	row, _ := outcome.Row.(tenancy.Account)
	return &row, nil
}

func (s service) selectablePlans(ctx context.Context, _ *nothing) (*readapi.All[tenancy.Plan], error) {
	page, err := s.plans.List(ctx, s.reader, table.Scope{Account: es.PlatformAccount, AllSites: true}, table.Query{
		Filters: []table.Filter{
			{Field: "is_active", Op: table.Eq, Values: []string{"true"}},
			{Field: "is_internal", Op: table.Eq, Values: []string{"false"}},
		},
		Order: []string{"price", "max_keywords"}, PageSize: 100,
	})
	if err != nil {
		return nil, err
	}
	return readapi.AllOf(page.Rows), nil
}

func industries(context.Context, *nothing) (*readapi.All[domain.Industry], error) {
	return readapi.AllOf(domain.Industries()), nil
}

// ofSite names a site in the path.
type ofSite struct {
	ID string `path:"id" doc:"The site's id."`
}

func (s service) siteSectors(ctx context.Context, in *ofSite) (*readapi.All[tenancy.Sector], error) {
	call := readapi.CallOf(ctx)
	var id es.ID
	if len(in.ID) != len(id.String()) || id.UnmarshalText([]byte(in.ID)) != nil {
		return nil, errNoSite()
	}
	scope := table.Scope{Account: call.Principal.Account, AllSites: call.Principal.Sites == nil, Sites: call.Principal.Sites}
	if _, _, err := s.sites.Get(ctx, s.reader, scope, id, query(call)); err != nil {
		if es.ClassOf(err) == es.NotFound {
			return nil, errNoSite()
		}
		return nil, err
	}
	q := query(call)
	q.PageSize = domain.MaxSectors
	q.Filters = []table.Filter{
		{Field: "site_id", Op: table.Eq, Values: []string{id.String()}},
		{Field: "is_active", Op: table.Eq, Values: []string{"true"}},
	}
	q.Order = []string{"name"}
	page, err := s.sectors.List(ctx, s.reader, scope, q)
	if err != nil {
		return nil, err
	}
	call.TrueAt(call.Principal.Account, page.Position)
	return readapi.AllOf(page.Rows), nil
}

func errNoSite() error { return es.Refuse(es.NotFound, "", "There is no such site.") }

// query is as fresh as the client asked for.
func query(call *readapi.Call) table.Query {
	return table.Query{AtLeast: call.AtLeast, Wait: call.Wait}
}
