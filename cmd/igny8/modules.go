package main

import (
	"slices"

	"github.com/igny8/igny8/commands"
	billingcommands "github.com/igny8/igny8/commands/billing"
	identitycommands "github.com/igny8/igny8/commands/identity"
	plannercommands "github.com/igny8/igny8/commands/planner"
	taskscommands "github.com/igny8/igny8/commands/tasks"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections"
	billingrows "github.com/igny8/igny8/projections/billing"
	identityrows "github.com/igny8/igny8/projections/identity"
	plannerrows "github.com/igny8/igny8/projections/planner"
	retentionrows "github.com/igny8/igny8/projections/retention"
	taskrows "github.com/igny8/igny8/projections/tasks"
	tenancyrows "github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
	billingroutes "github.com/igny8/igny8/readapi/billing"
	"github.com/igny8/igny8/readapi/docs"
	identityroutes "github.com/igny8/igny8/readapi/identity"
	plannerroutes "github.com/igny8/igny8/readapi/planner"
	"github.com/igny8/igny8/readapi/system"
	tenancyroutes "github.com/igny8/igny8/readapi/tenancy"
)

// rows is a declared read model whose row is what writes to its kind answer.
type rows interface {
	Kind() es.AnyKind
	Fold(row any, rec es.Recorded, e es.Event) any
}

// operations are everything that can be asked.
func operations() []commands.Op {
	return slices.Concat(identitycommands.Ops(), tenancycommands.Ops(), plannercommands.Ops(), billingcommands.Ops(),
		taskscommands.Ops(taskKinds()...))
}

// parents are the kinds whose deletion and restore others follow.
func parents() []es.AnyKind { return []es.AnyKind{tenancy.SiteKind, tenancy.SectorKind} }

// personalScopes are the claims on personal values, which an erasure removes.
func personalScopes() []string { return []string{identity.EmailScope} }

// registry knows every kind there is. A new entity is named by its module.
func registry() *es.Registry {
	return es.NewRegistry(slices.Concat([]es.AnyKind{identity.UserKind}, tenancy.Kinds(), planner.Kinds(), billing.Kinds(), tasks.Kinds())...)
}

func readModels() []projections.Projection {
	return slices.Concat([]projections.Projection{identityrows.Users()}, tenancyrows.ReadModels(), plannerrows.ReadModels(), billingrows.ReadModels(),
		taskrows.ReadModels(),
		[]projections.Projection{retentionrows.Due(kinds(registry()))})
}

// mount serves the modules' routes.
func mount(api *readapi.API, s *service, reader *projections.Reader) {
	identityroutes.Mount(api, s.identity, identityrows.Users())
	tenancyroutes.Mount(api, reader)
	tenancyroutes.MountLegalHolds(api, s.legalHolds())
	plannerroutes.Mount(api, s.plannerJobs())
	billingroutes.Mount(api, s.credits(reader), reader)
	s.feed().Mount(api)
	system.MountEventDocuments(api, s.registry)
	docs.Mount(api)
	s.jobs().Mount(api)
	system.MountHealth(api, s.logger, s.checks()...)
}
