package main

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/projections"
	plannerrows "github.com/igny8/igny8/projections/planner"
	"github.com/igny8/igny8/projections/table"
)

// perAccount is how many events Fill writes for each account.
const perAccount = 1000

// measureFull compares a full log with one that holds a single account: lists
// of an account as large, and appends, in turns.
func measureFull(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	if err := bench.Fill(ctx, in.store, size.full, func(int) {}); err != nil {
		return err
	}
	return onDatabase(ctx, in.folder+"-empty", func(empty *installation) error {
		if err := bench.Fill(ctx, empty.store, perAccount, func(int) {}); err != nil {
			return err
		}
		if err := compareSizesOfLists(ctx, in, empty, size, t); err != nil {
			return err
		}
		return compareSizesOfLogs(ctx, in, empty, size, t)
	})
}

func compareSizesOfLogs(ctx context.Context, in, empty *installation, size sizes, t *tableOf) error {
	account := newAccount()
	appends := func(to *installation) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := to.store.Append(ctx, bench.NewAppend(account))
			return err
		}
	}
	both, err := inTurns(ctx, 32, size.while, appends(empty), appends(in))
	if err != nil {
		return err
	}
	onEmpty, onFull := both[0], both[1]
	cost := ratio(onEmpty, onFull, perSecondOf)
	t.row(fmt.Sprintf("appends, 32 callers, %dk events in the log", size.full/1000), perSecond(onFull.perSecond()),
		"1k in the log: "+perSecond(onEmpty.perSecond()), cost.times(), atMost(cost.median, 1.3, "x the cost"))
	return nil
}

func compareSizesOfLists(ctx context.Context, in, empty *installation, size sizes, t *tableOf) error {
	lists := func(of *installation) (func(context.Context) error, error) {
		registry := es.NewRegistry(planner.Kinds()...)
		keywords := plannerrows.Keywords()
		admin := &projections.Admin{
			Owner: of.Pool(postgres.RoleOwner), Projector: of.Pool(postgres.RoleProjector), Log: of.log, Registry: registry,
			Projections: []projections.Projection{keywords},
		}
		if err := admin.Ensure(ctx, nil); err != nil {
			return nil, err
		}
		first, err := of.log.Read(ctx, 0, es.Filter{}, 1)
		if err != nil {
			return nil, err
		}
		reader := projections.NewReader(of.Pool(postgres.RoleApp), nil)
		scope := table.Scope{Account: first.Events[0].Stream.Account, AllSites: true}
		return func(ctx context.Context) error {
			page, err := keywords.List(ctx, reader, scope, table.Query{PageSize: 25})
			if err == nil && len(page.Rows) != 25 {
				return fmt.Errorf("a page of %d rows", len(page.Rows))
			}
			return err
		}, nil
	}
	onFull, err := lists(in)
	if err != nil {
		return err
	}
	onEmpty, err := lists(empty)
	if err != nil {
		return err
	}
	both, err := inTurns(ctx, 1, size.while, onEmpty, onFull)
	if err != nil {
		return err
	}
	few, many := both[0], both[1]
	slower := ratio(many, few, p50Of)
	t.row(fmt.Sprintf("a page of 25 of an account's thousand rows, %dk events in the log", size.full/1000), "p50 "+took(many.p50()),
		"1k in the log: p50 "+took(few.p50()), slower.times(), atMost(slower.median, 1.3, "x the time"))
	return nil
}
