package planner_test

import (
	"testing"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func TestAKeywordIsInOneClusterOfItsOwnSector(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pen, ink, paper := w.keyword("pen"), w.cluster("Ink"), w.cluster("Paper")
	w.mapped(pen, ink)
	w.mapped(pen, paper)
	if k := stateOf(w, planner.KeywordKind, pen); k.Cluster != paper || k.Status != planner.KeywordIsMapped {
		t.Errorf("it is in %s, and %s", k.Cluster, k.Status)
	}
	other := w.sector
	other.Sector = w.do(es.ID{}, tenancy.CreateSector{SiteID: w.sector.Site, Name: "Desks"})
	r := w.request(es.ID{}, CreateCluster{Name: "Lamps"})
	r.Tenant = other
	o, err := w.bus.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for name, cluster := range map[string]es.ID{"another sector's": o.Stream.ID, "missing": commands.NewID(), "a keyword": pen} {
		if err := w.try(pen, ChangeKeyword{ClusterID: commands.Some(cluster)}); es.ClassOf(err) != es.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.do(pen, ChangeKeyword{ClusterID: commands.Null[es.ID]()})
	if k := stateOf(w, planner.KeywordKind, pen); k.Cluster != (es.ID{}) || k.Status != planner.KeywordIsNew {
		t.Errorf("it is in %s, and %s", k.Cluster, k.Status)
	}
}

func TestADeletedClusterHasNoMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, late, ink := w.keyword("a"), w.keyword("b"), w.keyword("late"), w.cluster("Ink")
	w.mapped(a, ink)
	w.mapped(b, ink)
	w.mapped(late, ink)
	w.react()
	w.do(late, commands.Delete{Kind: planner.KeywordKind.Name})
	w.do(ink, commands.Delete{Kind: planner.ClusterKind.Name})
	w.react()
	w.do(late, commands.Restore{Kind: planner.KeywordKind.Name})
	w.react()
	for _, id := range []es.ID{a, b, late} {
		if k := stateOf(w, planner.KeywordKind, id); k.Cluster != (es.ID{}) || !k.Live() {
			t.Errorf("%s is in %s", k.Text, k.Cluster)
		}
	}
}

func TestWhatIsDeletedWithItsSectorKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, ink := w.keyword("a"), w.cluster("Ink")
	w.mapped(a, ink)
	deletion := commands.NewID()
	for kind, id := range map[string]es.ID{planner.KeywordKind.Name: a, planner.ClusterKind.Name: ink} {
		w.do(id, commands.Delete{Kind: kind, Deletion: deletion, Cascaded: true})
	}
	w.react()
	w.do(a, commands.Restore{Kind: planner.KeywordKind.Name, Deletion: deletion, Cascaded: true})
	w.react()
	w.do(ink, commands.Restore{Kind: planner.ClusterKind.Name, Deletion: deletion, Cascaded: true})
	w.react()
	if k := stateOf(w, planner.KeywordKind, a); k.Cluster != ink {
		t.Errorf("it is in %s", k.Cluster)
	}
}

func TestThePrimaryKeywordIsAMember(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(w *world, keyword es.ID){
		"moved":    func(w *world, k es.ID) { w.mapped(k, w.cluster("Paper")) },
		"unmapped": func(w *world, k es.ID) { w.do(k, ChangeKeyword{ClusterID: commands.Null[es.ID]()}) },
		"deleted":  func(w *world, k es.ID) { w.do(k, commands.Delete{Kind: planner.KeywordKind.Name}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, stranger, ink := w.keyword("a"), w.keyword("b"), w.cluster("Ink")
			w.mapped(a, ink)
			if err := w.try(ink, ChangeCluster{PrimaryKeywordID: commands.Some(stranger)}); es.ClassOf(err) != es.Invalid {
				t.Errorf("a stranger: %v", err)
			}
			w.do(ink, ChangeCluster{PrimaryKeywordID: commands.Some(a)})
			w.react()
			if c := stateOf(w, planner.ClusterKind, ink); c.Primary != a {
				t.Fatalf("the primary one is %s", c.Primary)
			}
			leave(w, a)
			w.react()
			if c := stateOf(w, planner.ClusterKind, ink); c.Primary != (es.ID{}) {
				t.Errorf("the primary one is still %s", c.Primary)
			}
		})
	}
}
