package main

import (
	"context"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands"
	plannercommands "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/bench"
)

// keyword is a new one each time.
func (c *client) keyword() plannercommands.CreateKeyword {
	n := c.keywordNumber.Add(1)
	return plannercommands.CreateKeyword{SiteID: c.site, SectorID: c.sector, Keyword: fmt.Sprintf("bench keyword %d", n), Volume: &n}
}

// keywordFields are a new keyword's, as a request has them.
func (c *client) keywordFields() map[string]any {
	k := c.keyword()
	return map[string]any{"site_id": k.SiteID, "sector_id": k.SectorID, "keyword": k.Keyword, "volume": k.Volume}
}

// compareCreates sets a create over HTTP beside the same command straight on
// the bus, and beside an append with as many claims.
func (c *client) compareCreates(ctx context.Context, in *installation, bus *commands.Bus, size sizes, t *tableOf) error {
	rest := func(ctx context.Context) error { return c.post(ctx, "planner/keywords/", c.keywordFields(), nil) }
	command := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		_, err := bus.Do(ctx, commands.Request{
			Tenant: es.Tenant{Account: c.account, Site: c.site, Sector: c.sector}, Actor: es.System(), Payload: c.keyword(),
		})
		return err
	}
	store := func(ctx context.Context) error {
		_, err := in.store.Append(ctx, c.claiming(bench.NewAppend(c.account)))
		return err
	}
	for _, callers := range []int{1, connections} {
		all, err := inTurns(ctx, callers, size.while, rest, command, store)
		if err != nil {
			return fmt.Errorf("creates, %d connections: %w", callers, err)
		}
		over, alone, appended := all[0], all[1], all[2]
		what := fmt.Sprintf("create over HTTP, %d connections", callers)
		measured := fmt.Sprintf("%s, p50 %s, p99 %s", perSecond(over.perSecond()), took(over.p50()), took(over.p99()))
		t.row(what, measured, fmt.Sprintf("the command on the bus: %s, p50 %s", perSecond(alone.perSecond()), took(alone.p50())),
			ratio(over, alone, p50Of).times(), aim{})
		slower := ratio(over, appended, p50Of)
		t.row(what, measured, fmt.Sprintf("its append alone: %s, p50 %s", perSecond(appended.perSecond()), took(appended.p50())),
			slower.times(), atMost(slower.median, 2, "x the time"))
	}
	return nil
}

// claiming gives an append the claims that a created keyword has.
func (c *client) claiming(a es.Append) es.Append {
	a.Claims = []es.ClaimChange{
		{Op: es.TakeClaim, Scope: c.account.String() + "/bench", Key: a.Stream.ID[:]},
		{Op: es.CountClaim, Scope: c.account.String() + "/bench", Delta: 1, Limit: 1 << 62},
	}
	return a
}
