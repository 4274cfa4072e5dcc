package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands"
	plannercommands "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
)

// measureMany has one caller create keywords, and put all of them into
// clusters: in a process that made them, and in one that has to read them.
func measureMany(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	bus := in.newBus(plannercommands.Ops())
	tenant := es.Tenant{Account: newAccount(), Site: newAccount(), Sector: newAccount()}
	clusters := make([]es.ID, 2)
	for i := range clusters {
		made, err := bus.Do(ctx, commands.Request{
			Tenant: tenant, Actor: es.System(), Payload: plannercommands.CreateCluster{Name: fmt.Sprintf("cluster %d", i)},
		})
		if err != nil {
			return err
		}
		clusters[i] = made.Stream.ID
	}
	requests := make([]commands.Request, size.many)
	for i := range requests {
		volume := int64(i)
		requests[i] = commands.Request{
			Tenant: tenant, Actor: es.System(), Command: commands.NewID(), Bulk: true,
			Payload: plannercommands.CreateKeyword{
				SiteID: tenant.Site, SectorID: tenant.Sector, Keyword: fmt.Sprintf("bench keyword %d", i), Volume: &volume,
			},
		}
	}
	report := func(what string, do func([]commands.Request) ([]commands.Outcome, []error)) ([]commands.Outcome, error) {
		began := time.Now()
		outcomes, errs := do(requests)
		perSec := float64(len(requests)) / time.Since(began).Seconds()
		t.row(fmt.Sprintf("%s, %d by one caller", what, len(requests)), perSecond(perSec), "", "", aim{})
		return outcomes, errors.Join(errs...)
	}
	create := func(r []commands.Request) ([]commands.Outcome, []error) { return bus.CreateMany(ctx, r) }
	made, err := report("keywords created", create)
	if err != nil {
		return err
	}
	if _, err := report("the same creates repeated by another process", func(r []commands.Request) ([]commands.Outcome, []error) {
		return in.newBus(plannercommands.Ops()).CreateMany(ctx, r)
	}); err != nil {
		return err
	}
	change := func(bus *commands.Bus) func([]commands.Request) ([]commands.Outcome, []error) {
		return func(r []commands.Request) ([]commands.Outcome, []error) { return bus.DoAll(ctx, r, 16) }
	}
	for i, warmth := range []struct {
		name string
		bus  *commands.Bus
	}{{"states in memory", bus}, {"states to be read", in.newBus(plannercommands.Ops())}} {
		for k := range requests {
			requests[k].Command, requests[k].Target = es.ID{}, made[k].Stream.ID
			requests[k].Payload = plannercommands.MapKeyword{ClusterID: clusters[i]}
		}
		if _, err := report("keywords put into a cluster, "+warmth.name, change(warmth.bus)); err != nil {
			return err
		}
	}
	return nil
}
