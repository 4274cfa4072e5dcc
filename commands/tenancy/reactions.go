package tenancy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// Tree knows what belongs to which site and sector, and what of it is deleted.
// projections/tenancy implements it.
type Tree interface {
	// Under lists up to limit leaves of the branch after one, in an order that
	// does not change.
	Under(ctx context.Context, b tenancy.Branch, after tenancy.Leaf, limit int) ([]tenancy.Leaf, error)
	// Deletion is the id of the deletion that the site is under, or else the
	// sector; zero while both live. It is true for the position that comes
	// with it, which is at least atLeast.
	Deletion(ctx context.Context, t es.Tenant, atLeast int64) (es.ID, int64, error)
}

// Cascade deletes and restores what belongs to a site or sector along with it,
// under one deletion id, so that a restore is exact. It is a reaction: each
// event may come again, and the commands' ids derive from it. It is safe for
// concurrent use.
//
// Events of a site, its sectors and what is in them come in no order between
// them, and a process that was frozen may act late. So each change looks for
// itself whether it fits the others, at a position that is not before its own:
//   - a parent's deletion takes along what lives below it;
//   - what comes to life below a deleted parent is deleted with it;
//   - a parent's restore brings back what is under its deletion;
//   - what follows a deletion that is in force no more comes back.
//
// Of two events that concern each other, the later one's look sees both.
type Cascade struct {
	bus    *commands.Bus
	tree   Tree
	head   func(context.Context) (int64, error)
	kinds  []string // of children
	logger *slog.Logger

	mu sync.Mutex
	// known is under which deletion a site and sector are, as of a position.
	known map[es.Tenant]knownDeletion
}

type knownDeletion struct {
	id     es.ID
	trueAt int64
}

const (
	cascadePage     = 500
	cascadeParallel = 64
	cascadeKnown    = 10_000
)

// NewCascade makes a Cascade over every registered kind that can be deleted.
// head is the log's last position.
func NewCascade(bus *commands.Bus, registry *es.Registry, tree Tree, head func(context.Context) (int64, error), logger *slog.Logger) *Cascade {
	c := &Cascade{bus: bus, tree: tree, head: head, logger: logger, known: map[es.Tenant]knownDeletion{}}
	for _, name := range registry.Kinds() {
		kind, _ := registry.Kind(name)
		if kind.EventSet().Lifecycle() && name != tenancy.SiteKind.Name && name != tenancy.AccountKind.Name {
			c.kinds = append(c.kinds, name)
		}
	}
	return c
}

// Types are the events that React wants; see commands.Reactions.
func (c *Cascade) Types() []string {
	types := []string{tenancy.SiteKind.Name + ".*"}
	for _, kind := range c.kinds {
		types = append(types, kind+".*")
	}
	return types
}

// React is the reaction.
func (c *Cascade) React(ctx context.Context, rec es.Recorded, e es.Event) error {
	parent := rec.Stream.Kind == tenancy.SiteKind.Name || rec.Stream.Kind == tenancy.SectorKind.Name
	switch e := e.(type) {
	case es.Deleted:
		if e.Cascaded {
			return c.revive(ctx, rec, e.DeletionID)
		}
		if !parent {
			return nil
		}
		// Where it is restored by now, its restore brings back all of it: a late
		// repeat would only take along what was made since.
		if in, err := c.inForce(ctx, rec.Tenant(), e.DeletionID); err != nil || !in {
			return err
		}
		return c.follow(ctx, rec, es.ID{}, c.kinds, commands.Delete{
			Reason: e.Reason, Deletion: e.DeletionID, Cascaded: true, RetentionDays: e.RetentionDays,
		})
	case es.Restored:
		if parent && !e.Cascaded {
			return c.restore(ctx, rec, e.DeletionID)
		}
		return c.orphan(ctx, rec)
	default:
		if rec.Revision == 1 {
			return c.orphan(ctx, rec)
		}
		return nil
	}
}

// restore brings back sectors before what is in them, so that no child comes
// back at a position where its sector is still deleted.
func (c *Cascade) restore(ctx context.Context, rec es.Recorded, deletion es.ID) error {
	back := commands.Restore{Deletion: deletion, Cascaded: true}
	if err := c.follow(ctx, rec, deletion, []string{tenancy.SectorKind.Name}, back); err != nil {
		return err
	}
	return c.follow(ctx, rec, deletion, c.kinds, back)
}

// orphan deletes what was created or restored under a parent that is deleted:
// its alignment was checked a moment before the parent's deletion.
func (c *Cascade) orphan(ctx context.Context, rec es.Recorded) error {
	parent, ok := parentOf(rec)
	if !ok {
		return nil
	}
	deletion, err := c.deletion(ctx, parent, rec)
	if err != nil || deletion == (es.ID{}) {
		return err
	}
	return c.ask(ctx, rec, leafOf(rec), commands.Delete{Deletion: deletion, Cascaded: true})
}

// revive brings back what was deleted along with a parent that was restored in
// the meantime, and what that in turn holds.
func (c *Cascade) revive(ctx context.Context, rec es.Recorded, deletion es.ID) error {
	parent, ok := parentOf(rec)
	if !ok {
		return nil
	}
	if now, err := c.deletion(ctx, parent, rec); err != nil || now == deletion {
		return err
	}
	if in, err := c.inForce(ctx, parent, deletion); err != nil || in {
		return err
	}
	back := commands.Restore{Deletion: deletion, Cascaded: true}
	if err := c.ask(ctx, rec, leafOf(rec), back); err != nil || rec.Stream.Kind != tenancy.SectorKind.Name {
		return err
	}
	return c.follow(ctx, rec, deletion, c.kinds, back)
}

// inForce says whether the site or the sector is under the deletion now.
func (c *Cascade) inForce(ctx context.Context, t es.Tenant, deletion es.ID) (bool, error) {
	site, err := commands.Load(ctx, c.bus, tenancy.SiteKind, t.Account, t.Site)
	if err != nil {
		return false, fmt.Errorf("asking whether site %s is deleted: %w", t.Site, err)
	}
	if site.Deletion != nil && site.Deletion.ID == deletion || t.Sector == (es.ID{}) {
		return site.Deletion != nil && site.Deletion.ID == deletion, nil
	}
	sector, err := commands.Load(ctx, c.bus, tenancy.SectorKind, t.Account, t.Sector)
	if err != nil {
		return false, fmt.Errorf("asking whether sector %s is deleted: %w", t.Sector, err)
	}
	return sector.Deletion != nil && sector.Deletion.ID == deletion, nil
}

// deletion is what the parent was under at the event's position or later: its
// site's, or else its sector's; zero while both live.
func (c *Cascade) deletion(ctx context.Context, parent es.Tenant, rec es.Recorded) (es.ID, error) {
	c.mu.Lock()
	now, ok := c.known[parent]
	c.mu.Unlock()
	if ok && now.trueAt >= rec.Position {
		return now.id, nil
	}
	var err error
	if now.id, now.trueAt, err = c.tree.Deletion(ctx, parent, rec.Position); err != nil {
		return es.ID{}, fmt.Errorf("asking whether the parent of %s is deleted: %w", rec.Stream, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= cascadeKnown {
		clear(c.known)
	}
	if now.trueAt > c.known[parent].trueAt {
		c.known[parent] = now
	}
	return now.id, nil
}

// parentOf is the site, and the sector, that the event's aggregate belongs to.
func parentOf(rec es.Recorded) (es.Tenant, bool) {
	parent := rec.Tenant()
	if rec.Stream.Kind == tenancy.SectorKind.Name {
		parent.Sector = es.ID{}
	}
	return parent, rec.Stream.Kind != tenancy.SiteKind.Name && parent.Site != (es.ID{})
}

func leafOf(rec es.Recorded) []tenancy.Leaf {
	return []tenancy.Leaf{{Kind: rec.Stream.Kind, ID: rec.Stream.ID}}
}

// follow asks the same of everything below the event's site or sector that is
// under the deletion now: what earlier reactions did must be seen, so the tree
// has to have reached the head of the log.
func (c *Cascade) follow(ctx context.Context, rec es.Recorded, deletion es.ID, kinds []string, payload any) error {
	head, err := c.head(ctx)
	if err != nil {
		return fmt.Errorf("asking for the head of the log: %w", err)
	}
	branch := tenancy.Branch{Tenant: rec.Tenant(), Kinds: kinds, Deletion: deletion, AtLeast: max(head, rec.Position)}
	self := tenancy.Leaf{Kind: rec.Stream.Kind, ID: rec.Stream.ID}
	for after := (tenancy.Leaf{}); ; {
		leaves, err := c.tree.Under(ctx, branch, after, cascadePage)
		if err != nil {
			return fmt.Errorf("listing what belongs to %s: %w", rec.Stream, err)
		}
		more := len(leaves) == cascadePage
		if more {
			after = leaves[len(leaves)-1]
		}
		leaves = slices.DeleteFunc(leaves, func(l tenancy.Leaf) bool { return l == self })
		if err := c.ask(ctx, rec, leaves, payload); err != nil || !more {
			return err
		}
	}
}

// ask sends the payload to all leaves. What refuses stays as it is and is
// logged: a full plan, a unique value that is taken.
func (c *Cascade) ask(ctx context.Context, rec es.Recorded, leaves []tenancy.Leaf, payload any) error {
	requests := make([]commands.Request, 0, len(leaves))
	for _, leaf := range leaves {
		requests = append(requests, commands.Following(rec, "cascade "+leaf.Kind, leaf.ID, of(leaf.Kind, payload)))
	}
	_, errs := c.bus.DoAll(ctx, requests, cascadeParallel)
	for i, err := range errs {
		switch class := es.ClassOf(err); {
		case err == nil:
		case class == es.Internal || class == es.Unavailable:
			return fmt.Errorf("following %s upon %s: %w", rec.Type, requests[i].Target, err)
		default:
			c.logger.WarnContext(ctx, "a cascade was refused", slog.String("type", rec.Type), slog.Int64("position", rec.Position),
				slog.String("target", requests[i].Target.String()), slog.String("request_id", rec.Request), slog.Any("error", err))
		}
	}
	return nil
}

func of(kind string, payload any) any {
	switch p := payload.(type) {
	case commands.Delete:
		p.Kind = kind
		return p
	case commands.Restore:
		p.Kind = kind
		return p
	default:
		return payload
	}
}
