package tenancy_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/tenancy"
)

// grown is a tree over a log in memory.
type grown struct {
	*testing.T
	log       *memory.Store
	revisions map[es.StreamID]int64
}

func (g *grown) write(kind es.AnyKind, tenant es.Tenant, id es.ID, e es.Event) int64 {
	g.Helper()
	stream := es.StreamID{Account: tenant.Account, Kind: kind.KindName(), ID: id}
	data, err := json.Marshal(e)
	g.must(err)
	done, err := g.log.Append(g.Context(), es.Append{Stream: stream, Expected: g.revisions[stream], Events: []es.NewEvent{{
		Envelope: es.Envelope{
			ID: uuid.Must(uuid.NewV7()), Stream: stream, Revision: g.revisions[stream] + 1, Type: kind.TypeName(e),
			Site: tenant.Site, Sector: tenant.Sector, Actor: es.System(),
		},
		Data: data,
	}}})
	g.must(err)
	g.revisions[stream]++
	return done.Position
}

func (g *grown) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

func TestTheTreeKnowsWhatIsWhereAndUnderWhichDeletion(t *testing.T) {
	t.Parallel()
	g := &grown{T: t, log: memory.New(), revisions: map[es.StreamID]int64{}}
	ids := make([]es.ID, 20)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	account, site, one, two, foreign, deletion := ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
	in := func(sector es.ID) es.Tenant { return es.Tenant{Account: account, Site: site, Sector: sector} }
	g.write(domain.AccountKind, es.Tenant{Account: account}, account, domain.AccountCreated{})
	g.write(domain.SiteKind, in(es.ID{}), site, domain.SiteCreated{})
	g.write(domain.SectorKind, in(one), one, domain.SectorCreated{})
	g.write(domain.SectorKind, in(two), two, domain.SectorCreated{})
	words := ids[10:17]
	for _, id := range words {
		g.write(planner.KeywordKind, in(one), id, planner.KeywordCreated{})
	}
	g.write(planner.ClusterKind, in(two), words[0], planner.ClusterCreated{}) // one id, two kinds.
	g.write(planner.KeywordKind, es.Tenant{Account: foreign, Site: site, Sector: one}, ids[17], planner.KeywordCreated{})

	db := pgtest.New(t).Postgres
	registry := es.NewRegistry(slices.Concat(domain.Kinds(), planner.Kinds())...)
	tree := projections.Projection(tenancy.TreeProjection())
	admin := &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector),
		Log: g.log, Registry: registry, Projections: []projections.Projection{tree},
	}
	g.must(admin.Ensure(t.Context(), nil)) // what was written so far is built, the rest is followed.
	positions := projections.NewPositions()
	runner := projections.NewRunner(projections.Config{
		Pool: admin.Projector, Log: g.log, Registry: registry, Projections: admin.Projections, Positions: positions,
	})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-stopped })
	reads := tenancy.NewTree(projections.NewReader(db.Pool(postgres.RoleApp), positions))

	deleted := es.Deleted{DeletionID: deletion, At: time.Unix(0, 0), PurgeAfter: time.Unix(0, 0)}
	g.write(planner.KeywordKind, in(one), words[5], deleted)
	g.write(planner.KeywordKind, in(one), words[6], deleted)
	g.write(planner.KeywordKind, in(one), words[6], es.Purged{DeletionID: deletion})
	g.write(planner.KeywordKind, in(one), words[4], deleted)
	g.write(planner.KeywordKind, in(one), words[4], es.Restored{DeletionID: deletion})
	last := g.write(domain.SectorKind, in(one), one, deleted)

	all := []string{planner.KeywordKind.Name, planner.ClusterKind.Name, domain.SectorKind.Name}
	under := func(b domain.Branch) (leaves []domain.Leaf) {
		t.Helper()
		b.AtLeast = last
		for after := (domain.Leaf{}); ; {
			page, err := reads.Under(t.Context(), b, after, 2)
			g.must(err)
			leaves = append(leaves, page...)
			if len(page) < 2 {
				return leaves
			}
			after = page[1]
		}
	}
	keyword := func(ids ...es.ID) (leaves []domain.Leaf) {
		for _, id := range ids {
			leaves = append(leaves, domain.Leaf{Kind: planner.KeywordKind.Name, ID: id})
		}
		return leaves
	}
	sector, cluster := domain.Leaf{Kind: domain.SectorKind.Name, ID: one}, domain.Leaf{Kind: planner.ClusterKind.Name, ID: words[0]}
	sibling := domain.Leaf{Kind: domain.SectorKind.Name, ID: two}
	for name, check := range map[string]struct{ got, want []domain.Leaf }{
		"live in the sector":    {under(domain.Branch{Tenant: in(one), Kinds: all}), keyword(words[:5]...)},
		"live in the site":      {under(domain.Branch{Tenant: in(es.ID{}), Kinds: all}), slices.Concat([]domain.Leaf{sibling, cluster}, keyword(words[:5]...))},
		"deleted together":      {under(domain.Branch{Tenant: in(es.ID{}), Kinds: all, Deletion: deletion}), append([]domain.Leaf{sector}, keyword(words[5])...)},
		"deleted, one kind":     {under(domain.Branch{Tenant: in(es.ID{}), Kinds: all[2:], Deletion: deletion}), []domain.Leaf{sector}},
		"of another account":    {under(domain.Branch{Tenant: es.Tenant{Account: foreign, Site: site}, Kinds: all}), keyword(ids[17])},
		"under nobody's delete": {under(domain.Branch{Tenant: in(es.ID{}), Kinds: all, Deletion: site}), nil},
	} {
		if !slices.Equal(check.got, check.want) {
			t.Errorf("%s: %v, want %v", name, check.got, check.want)
		}
	}
	for tenant, want := range map[es.Tenant]es.ID{in(one): deletion, in(two): {}, in(es.ID{}): {}, {Account: foreign, Site: site, Sector: one}: {}} {
		got, at, err := reads.Deletion(t.Context(), tenant, last)
		if err != nil || got != want || at < last {
			t.Errorf("%v is under %s at %d, %v; want %s", tenant, got, at, err, want)
		}
	}
	if differences, err := admin.Compare(t.Context(), nil, nil); err != nil || len(differences) > 0 {
		t.Errorf("a rebuild differs: %v, %v", differences, err)
	}
}
