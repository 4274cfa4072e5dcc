package main

import (
	"time"

	"github.com/igny8/igny8/commands"
	billingcommands "github.com/igny8/igny8/commands/billing"
	identitycommands "github.com/igny8/igny8/commands/identity"
	plannercommands "github.com/igny8/igny8/commands/planner"
	taskscommands "github.com/igny8/igny8/commands/tasks"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/infra/credentials"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/jwt"
	"github.com/igny8/igny8/infra/observe"
	"github.com/igny8/igny8/infra/postgres"
	taskrows "github.com/igny8/igny8/infra/tasks"
	"github.com/igny8/igny8/projections"
	tenancyrows "github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
	identityroutes "github.com/igny8/igny8/readapi/identity"
	"github.com/igny8/igny8/readapi/system"
)

// newIdentity is who signs people up and knows them again. One of them bounds
// how many passwords are hashed at once.
func (b *backend) newIdentity() *identitycommands.Service {
	logins := b.Pool(postgres.RoleLogin)
	return &identitycommands.Service{
		Bus: b.bus, Accounts: signUpAccounts{b.bus, b.accounts},
		Passwords: credentials.NewPasswords(logins, credentials.NewHasher(credentials.DefaultCost())),
		Refresh:   credentials.NewTokens(logins), Access: jwt.NewRing(b.vault, time.Now),
		Emails: eventstore.NewClaims(logins), ClaimKeys: b.vault, Step: b.step,
	}
}

// api is the edge with every module's routes.
func (s *service) api() *readapi.API {
	reader := projections.NewReader(s.Pool(postgres.RoleApp), s.positions)
	api := readapi.New(readapi.Options{
		Bus:         &commands.Settling{Bus: s.bus, Parents: parents(), Followed: s.consumers.cascaded, Head: s.log.Head},
		Idempotency: s.keys(),
		Reader:      reader, Opener: s.vault,
		Authenticator: identityroutes.Authenticator{Service: s.identity, Platform: es.PlatformAccount},
		Key:           s.master.Derive("cursors and consistency tokens"),
		Metrics:       s.observed, Logger: s.logger,
		Origins: s.config.CORSOrigins, Proxies: s.config.TrustedProxies, PublicURL: s.config.PublicURL, Unavailable: postgres.IsUnavailable, Unthrottled: !s.config.Throttles,
		Timeout: s.config.RequestTimeout, MaxBody: s.config.BodyLimit, Version: version(),
	})
	observe.CollectStreams(s.metrics, api.OpenStreams)
	mount(api, s, reader)
	return api
}

// keys remembers which command an Idempotency-Key stands for.
func (s *service) keys() commands.Idempotency {
	keys := idempotency.New(s.Pool(postgres.RoleLogin), s.vault)
	if s.step == nil {
		return keys
	}
	return steppedKeys{keys, s.step}
}

// feed reads events as the application's role, so that row-level security holds
// for them too.
func (s *service) feed() system.Feed {
	return system.Feed{Log: eventstore.NewFeed(s.Pool(postgres.RoleApp)), Tail: s.log, Registry: s.registry, Opener: s.vault}
}

// cascadeGroup is who deletes and restores what belongs to a site or sector.
const cascadeGroup = "tenancy.cascade"

// reactions are the groups that make happen what happens by itself.
func (s *service) reactions() []commands.Reactions {
	tree := tenancyrows.NewTree(projections.NewReader(s.Pool(postgres.RoleApp), s.positions))
	cascade := tenancycommands.NewCascade(s.bus, s.registry, tree, s.log.Head, s.logger)
	users := []string{identity.UserKind.Name + ".*"}
	return []commands.Reactions{
		{Group: cascadeGroup, Types: cascade.Types(), React: []commands.Reaction{cascade.React}},
		{Group: "identity.accounts", Types: users, React: []commands.Reaction{identitycommands.OpensAccount(s.identity.Accounts)}},
		{Group: "identity.sessions", Types: users, React: []commands.Reaction{identitycommands.EndsSessions(s.identity.Refresh)}},
		plannercommands.Membership{Bus: s.bus, Sectors: s.sectors()}.Reactions(),
		billingcommands.Reactions(s.bus, s.accounts),
		taskscommands.Reactions(taskrows.NewRows(s.Pool(postgres.RoleProjector))),
	}
}
