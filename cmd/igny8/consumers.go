package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/retention"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
	"github.com/igny8/igny8/infra/bus/deadletter"
	busstore "github.com/igny8/igny8/infra/bus/store"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/readapi/system"
)

// consumers are this process's part in the groups of reactions. Without the role
// they are there to be asked how far the groups are.
type consumers struct {
	groups  []commands.Reactions
	bus     *busstore.Bus
	router  *bus.Router
	letters *deadletter.Letters
}

func (s *service) newConsumers() (*consumers, error) {
	pool := s.Pool(postgres.RoleProjector)
	c := &consumers{groups: s.reactions(), letters: deadletter.New(pool)}
	c.bus = busstore.New(busstore.Config{Pool: pool, Log: s.log, Letters: c.letters, Bell: s.shares, Logger: s.logger})
	busstore.Collect(s.metrics, c.bus, s.log.Head, c.letters.Open)
	var err error
	c.router, err = bus.NewRouter(bus.Config{
		Groups: c.groups, Subscribers: c.bus, DeadLetters: c.letters, Registry: s.registry, Logger: s.logger,
		Metrics: bus.NewMetrics(s.metrics), Unavailable: postgres.IsUnavailable,
	})
	return c, err
}

// run reacts until ctx ends, then waits for what is in flight.
func (c *consumers) run(ctx context.Context) error {
	defer func() { _ = c.bus.Close() }()
	return c.router.Run(ctx)
}

// cascaded waits for the children of a parent that was deleted or restored.
func (c *consumers) cascaded(ctx context.Context, parent es.ID, position int64) error {
	return c.bus.Passed(ctx, cascadeGroup, parent, position)
}

// checks are what /readyz asks of the groups.
func (c *consumers) checks() []system.Check {
	return []system.Check{
		{Name: "reactions", Degrades: true, Func: func(context.Context) error {
			if stuck := c.router.Stuck(); len(stuck) > 0 {
				return es.Refuse(es.Unavailable, "", "%s.", strings.Join(stuck, "; "))
			}
			return nil
		}},
		{Name: "dead_letters", Degrades: true, Func: func(ctx context.Context) error {
			open, err := c.letters.Open(ctx)
			if err != nil || len(open) == 0 {
				return err
			}
			var all []string
			for _, g := range c.groups {
				if n := open[g.Group]; n > 0 {
					all = append(all, fmt.Sprintf("%s gave up %d events", g.Group, n))
				}
			}
			if len(all) == 0 {
				return nil
			}
			return es.Refuse(es.Unavailable, "", "%s; see igny8 deadletter list.", strings.Join(all, "; "))
		}},
	}
}

// Passed says how far each group is, in whatever process it runs.
func (c *consumers) Passed(ctx context.Context) ([]retention.Passed, error) {
	known, err := c.bus.Status(ctx)
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	for _, g := range known {
		at[g.Group] = g.Position
	}
	all := make([]retention.Passed, len(c.groups))
	for i, g := range c.groups {
		all[i] = retention.Passed{Who: "the reactions " + g.Group, Position: at[g.Group]}
	}
	return all, nil
}
