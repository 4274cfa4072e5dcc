package commands

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/igny8/igny8/domain/es"
)

// prepare gathers what a decision needs besides its own stream: a parent that
// lives, and what the account's settings and plan say.
func (b *Bus) prepare(ctx context.Context, c *call) error {
	var err error
	if p, ok := c.Payload.(Preparer); ok {
		if c.Payload, err = p.Prepare(ctx, b, c.Request); err != nil {
			return busy(err)
		}
	}
	switch c.op.verb {
	case create:
		err = b.align(ctx, c.op.place, &c.Tenant, c.Target)
	case restore:
		err = b.alignRestore(ctx, c)
	case change, remove, purge:
	}
	if err != nil {
		took, lookErr := b.tookEffect(ctx, c)
		if lookErr != nil {
			return lookErr
		}
		if !took {
			return err
		}
	}
	c.policy, err = b.policy(ctx, c)
	return err
}

// policy is what the account's settings and plan say now.
func (b *Bus) policy(ctx context.Context, c *call) (Policy, error) {
	if b.accounts == nil || c.Tenant.Account == c.Target {
		return Policy{RetentionDays: 14}, nil
	}
	p, err := b.accounts.Policy(ctx, c.Tenant.Account)
	if err != nil {
		return Policy{}, busy(err)
	}
	return p, nil
}

// tookEffect says that an earlier try of the command wrote to its stream: then
// what changed around it since, such as a parent's deletion, refuses no repeat.
func (b *Bus) tookEffect(ctx context.Context, c *call) (bool, error) {
	st, err := b.load(ctx, c.stream, c.op.kind)
	if err != nil {
		return false, busy(err)
	}
	if st.recent.revision(c.Command) > 0 || st.recent.complete() {
		return st.recent.revision(c.Command) > 0, nil
	}
	took, err := b.recall(ctx, c.stream, []*call{c})
	if err != nil {
		return false, busy(err)
	}
	return took, nil
}

// align stamps the tenant as the place demands, and refuses a site or sector
// that does not live in the account. It asks the aggregates, never a read model.
// What was deleted in the same moment is found by the cascade's reaction.
func (b *Bus) align(ctx context.Context, place Place, t *es.Tenant, self es.ID) error {
	switch place {
	case InAccount:
		t.Site, t.Sector = es.ID{}, es.ID{}
		return nil
	case IsSite:
		t.Site, t.Sector = self, es.ID{}
		return nil
	case InSite:
		t.Sector = es.ID{}
		return b.alignSite(ctx, *t)
	case IsSector:
		t.Sector = self
		return b.alignSite(ctx, *t)
	case InSector:
	}
	if t.Sector == (es.ID{}) {
		return es.Field("sector_id", "This field is required.")
	}
	if b.sector == nil {
		return b.alignSite(ctx, *t)
	}
	var looking errgroup.Group
	var inSector error
	looking.Go(func() error {
		inSector = b.parent(ctx, b.sector, t.Account, t.Sector, func(e es.Entity) error {
			if !e.Live() || e.Tenant.Site != t.Site {
				return es.Field("sector_id", "There is no such sector in this site.")
			}
			return nil
		})
		return nil
	})
	inSite := b.alignSite(ctx, *t)
	_ = looking.Wait() // the function gives no error.
	if inSite != nil { // always before the sector's, so that the same is refused the same.
		return inSite
	}
	return inSector
}

func (b *Bus) alignSite(ctx context.Context, t es.Tenant) error {
	if t.Site == (es.ID{}) {
		return es.Field("site_id", "This field is required.")
	}
	if b.site == nil {
		return nil
	}
	return b.parent(ctx, b.site, t.Account, t.Site, func(e es.Entity) error {
		if !e.Live() {
			return es.Field("site_id", "There is no such site.")
		}
		return nil
	})
}

// parent checks an aggregate on its recent state. What that refuses is checked
// on its newest state before it is said.
func (b *Bus) parent(ctx context.Context, kind es.AnyKind, account, id es.ID, check func(es.Entity) error) error {
	stream := es.StreamID{Account: account, Kind: kind.KindName(), ID: id}
	st, err := b.fresh(ctx, stream, kind)
	if err != nil {
		return busy(err)
	}
	if check(kind.EntityOf(st.state)) == nil {
		return nil
	}
	if st, err = b.load(ctx, stream, kind); err != nil {
		return busy(err)
	}
	return check(kind.EntityOf(st.state))
}

// alignRestore refuses to restore what would come back without its parent. A
// cascaded restore is let through: where the parent was deleted again, its
// cascade follows and finds the child alive.
func (b *Bus) alignRestore(ctx context.Context, c *call) error {
	if p, ok := c.Payload.(Restore); ok && p.Cascaded {
		return nil
	}
	st, err := b.fresh(ctx, c.stream, c.op.kind)
	if err != nil {
		return busy(err)
	}
	if st.revision == 0 {
		return nil // the decision says that it is not there.
	}
	t := st.tenant
	if err := b.align(ctx, b.places[c.op.Kind()], &t, c.Target); err != nil {
		if es.ClassOf(err) == es.Invalid {
			return es.Refuse(es.Conflict, "parent_gone", "Its site or sector is deleted; restore that first.")
		}
		return err
	}
	return nil
}
