package main

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/projections/bench"
)

// measureReadSide measures rebuild and catch-up, of tables with a column of
// every sort.
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
	return nil
}
