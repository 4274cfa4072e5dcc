package main

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/projections/bench"
)

// measureReadSide measures rebuild, catch-up and lists.
func measureReadSide(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	b := &bench.Bench{
		Owner: in.Pool(postgres.RoleOwner), Projector: in.Pool(postgres.RoleProjector), App: in.Pool(postgres.RoleApp),
		Store: in.store, Log: in.log,
	}
	if err := b.Fill(ctx, size.events); err != nil {
		return err
	}
	for _, tables := range []int{1, 10} {
		r, err := b.Rebuild(ctx, tables)
		if err != nil {
			return err
		}
		t.row(fmt.Sprintf("rebuild of %d read models, one after another", tables), perSecond(r.PerSecond()),
			fmt.Sprintf("%dk events each, %d MB of heap", r.Events/int64(tables)/1000, r.Heap>>20), "", atLeast(r.PerSecond(), 150_000, "/s"))
	}
	caught, err := b.CatchUp(ctx, 10)
	if err != nil {
		return err
	}
	t.row("catch-up over ten read models", perSecond(caught.PerSecond()), fmt.Sprintf("%dk events", caught.Events/1000), "", atLeast(caught.PerSecond(), 50_000, "/s"))
	list, byHand, err := b.List(ctx, size.reads)
	if err != nil {
		return err
	}
	ratio := float64(list.P50) / float64(byHand.P50)
	t.row("a page of 25 rows with its count, from the read model", fmt.Sprintf("p50 %s, p99 %s", took(list.P50), took(list.P99)),
		fmt.Sprintf("the same SQL by hand: p50 %s, p99 %s", took(byHand.P50), took(byHand.P99)), times(ratio), atMost(ratio, 1.2, "x"))
	return nil
}
