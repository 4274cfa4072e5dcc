package main

import (
	"slices"

	"github.com/igny8/igny8/commands"
	identitycommands "github.com/igny8/igny8/commands/identity"
	plannercommands "github.com/igny8/igny8/commands/planner"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections"
	identityrows "github.com/igny8/igny8/projections/identity"
	plannerrows "github.com/igny8/igny8/projections/planner"
	tenancyrows "github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
	identityroutes "github.com/igny8/igny8/readapi/identity"
	plannerroutes "github.com/igny8/igny8/readapi/planner"
	"github.com/igny8/igny8/readapi/system"
	tenancyroutes "github.com/igny8/igny8/readapi/tenancy"
)

// rows is a declared read model whose row is what writes to its kind answer.
type rows interface {
	projections.Projection
	Fold(row any, rec es.Recorded, e es.Event) any
}

// entity is a kind of aggregate and its read model.
type entity struct {
	kind es.AnyKind
	rows rows
}

// entities are all there are. A new one is named here, and its module in
// operations and mount.
func entities() []entity {
	return []entity{
		{identity.UserKind, identityrows.Users()},
		{tenancy.AccountKind, tenancyrows.Accounts()},
		{tenancy.PlanKind, tenancyrows.Plans()},
		{tenancy.SiteKind, tenancyrows.Sites()},
		{tenancy.SectorKind, tenancyrows.Sectors()},
		{planner.KeywordKind, plannerrows.Keywords()},
	}
}

// operations are everything that can be asked.
func operations() []commands.Op {
	return slices.Concat(identitycommands.Ops(), tenancycommands.Ops(), plannercommands.Ops())
}

// parents are the kinds whose deletion and restore others follow.
func parents() []es.AnyKind { return []es.AnyKind{tenancy.SiteKind, tenancy.SectorKind} }

// personalScopes are the claims on personal values, which an erasure removes.
func personalScopes() []string { return []string{identity.EmailScope} }

func kinds() []es.AnyKind {
	var all []es.AnyKind
	for _, e := range entities() {
		all = append(all, e.kind)
	}
	return all
}

func registry() *es.Registry { return es.NewRegistry(kinds()...) }

func readModels() []projections.Projection {
	var all []projections.Projection
	for _, e := range entities() {
		all = append(all, e.rows)
	}
	return append(all, tenancyrows.TreeProjection())
}

// mount serves the modules' routes.
func mount(api *readapi.API, s *service, reader *projections.Reader) {
	identityroutes.Mount(api, s.identity(), identityrows.Users())
	tenancyroutes.Mount(api, reader)
	plannerroutes.Mount(api)
	s.feed().Mount(api)
	system.MountHealth(api, s.logger, s.checks()...)
}
