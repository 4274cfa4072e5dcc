package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/commands"
	plannercommands "github.com/igny8/igny8/commands/planner"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/vault"
	plannerrows "github.com/igny8/igny8/projections/planner"
)

func newAccount() es.ID { return commands.NewID() }

// newBus is the command side as serve makes it. Without the tenancy module
// nothing asks for a site or sector.
func (in *installation) newBus(modules ...[]commands.Op) *commands.Bus {
	registry := es.NewRegistry(slices.Concat(tenancy.Kinds(), planner.Kinds())...)
	sealer := vault.New(in.Pool(postgres.RoleAppender), in.master, vault.Config{})
	return commands.New(in.store, sealer, registry, slices.Concat(modules...), commands.Config{}).
		WithShape(planner.KeywordKind.Name, commands.Shape{Fold: plannerrows.Keywords().Fold})
}

// measureHotStream has 64 callers change one keyword all the time.
func measureHotStream(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	bus := in.newBus(plannercommands.Ops())
	account := newAccount()
	r := commands.Request{
		Tenant: es.Tenant{Account: account, Site: newAccount(), Sector: newAccount()}, Actor: es.System(), Target: newAccount(),
		Payload: plannercommands.CreateKeyword{Keyword: "hot"},
	}
	if _, err := bus.Do(ctx, r); err != nil {
		return err
	}
	var volume atomic.Int64
	rate, err := bench.Measure(ctx, 64, size.while, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		r := r
		r.Payload = plannercommands.ChangeKeyword{Volume: commands.Some(volume.Add(1))}
		_, err := bus.Do(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	events, err := in.store.ReadStream(ctx, es.StreamID{Account: account, Kind: planner.KeywordKind.Name, ID: r.Target}, 1)
	if err != nil {
		return err
	}
	lost := rate.Done + 1 - len(events)
	t.row("one hot stream, 64 callers", fmt.Sprintf("%s, p99 %s", perSecond(rate.PerSecond()), took(rate.P99)),
		fmt.Sprintf("%d commands", rate.Done), fmt.Sprintf("%d lost", lost), aim{"none lost, none refused", lost == 0})
	return nil
}

// fullBus has what a create over HTTP has: alignment, plan limits.
func (in *installation) fullBus() *commands.Bus {
	bus := in.newBus(tenancycommands.Ops(), plannercommands.Ops())
	return bus.WithAccounts(tenancycommands.Accounts{Bus: bus})
}
