package planner

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

// membersAtOnce bounds how many keywords are unmapped at the same time.
const membersAtOnce = 64

// Membership keeps keywords and clusters true to each other: a cluster that was
// deleted has no members, and a primary keyword is a member. What is deleted and
// restored with its site or sector keeps its place.
type Membership struct {
	Bus     *commands.Bus
	Sectors Sectors
}

// Reactions is what it does upon events.
func (m Membership) Reactions() commands.Reactions {
	return commands.Reactions{
		Group: "planner.membership",
		Types: []string{
			"planner.cluster.deleted.v1", planner.KeywordMapped{}.EventType(), planner.KeywordUnmapped{}.EventType(),
			"planner.keyword.deleted.v1", "planner.keyword.restored.v1",
		},
		React: []commands.Reaction{m.react},
	}
}

func (m Membership) react(ctx context.Context, rec es.Recorded, e es.Event) error {
	cluster := rec.Stream.Kind == planner.ClusterKind.Name
	switch e := e.(type) {
	case es.Deleted:
		switch {
		case e.Cascaded:
			return nil
		case cluster:
			return m.empty(ctx, rec)
		default:
			return m.left(ctx, rec)
		}
	case es.Restored:
		return m.joined(ctx, rec)
	case planner.KeywordMapped:
		if err := m.joined(ctx, rec); err != nil || e.From == (es.ID{}) {
			return err
		}
		return m.release(ctx, rec, e.From)
	case planner.KeywordUnmapped:
		return m.release(ctx, rec, e.ClusterID)
	}
	return nil
}

// empty unmaps the members of a cluster that was deleted. Who joins it later, by
// a decision of a moment before, is found by joined.
func (m Membership) empty(ctx context.Context, rec es.Recorded) error {
	members, err := m.Sectors.Members(ctx, rec.Stream.Account, rec.Stream.ID, rec.Position)
	if err != nil {
		return err
	}
	requests := make([]commands.Request, len(members))
	for i, id := range members {
		requests[i] = commands.Following(rec, "unmap", id, UnmapKeyword{ClusterID: rec.Stream.ID})
	}
	_, errs := m.Bus.DoAll(ctx, requests, membersAtOnce)
	for i, err := range errs {
		if err = refusal(err); err != nil {
			return fmt.Errorf("unmapping keyword %s from its deleted cluster: %w", requests[i].Target, err)
		}
	}
	return nil
}

// joined unmaps a keyword from a cluster that is deleted by itself.
func (m Membership) joined(ctx context.Context, rec es.Recorded) error {
	k, err := commands.Load(ctx, m.Bus, planner.KeywordKind, rec.Stream.Account, rec.Stream.ID)
	if err != nil || !k.Live() || k.Cluster == (es.ID{}) {
		return err
	}
	c, err := commands.Load(ctx, m.Bus, planner.ClusterKind, rec.Stream.Account, k.Cluster)
	if err != nil || c.Live() || c.Deletion != nil && c.Deletion.Cascaded {
		return err
	}
	_, err = m.Bus.Do(ctx, commands.Following(rec, "unmap", k.ID, UnmapKeyword{ClusterID: k.Cluster}))
	return refusal(err)
}

// left has the cluster of a keyword that was deleted do without it.
func (m Membership) left(ctx context.Context, rec es.Recorded) error {
	k, err := commands.Load(ctx, m.Bus, planner.KeywordKind, rec.Stream.Account, rec.Stream.ID)
	if err != nil || k.Live() || k.Cluster == (es.ID{}) {
		return err
	}
	return m.release(ctx, rec, k.Cluster)
}

func (m Membership) release(ctx context.Context, rec es.Recorded, cluster es.ID) error {
	c, err := commands.Load(ctx, m.Bus, planner.ClusterKind, rec.Stream.Account, cluster)
	if err != nil || !c.Live() || c.Primary != rec.Stream.ID {
		return err
	}
	_, err = m.Bus.Do(ctx, commands.Following(rec, "release primary", cluster, ReleasePrimary{KeywordID: rec.Stream.ID}))
	return refusal(err)
}

// refusal is nil for what a rule refuses: there is nothing left to do then.
func refusal(err error) error {
	if class := es.ClassOf(err); err != nil && (class == es.Internal || class == es.Unavailable) {
		return err
	}
	return nil
}
