package projections_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
)

func TestARebuildBesideTheLiveTablesLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	r.run()
	reader := es.Tenant{Account: r.writer.ID()}
	first := r.write(reader, r.writer.ID(), 0, added("read all the time"))
	var all sync.WaitGroup
	r.load(900, func(step int) {
		if step%300 == 100 {
			all.Go(func() {
				var stages []projections.Stage
				err := r.admin.Rebuild(context.WithoutCancel(t.Context()), nil, func(p projections.Progress) { stages = append(stages, p.Stage) })
				if err != nil || len(stages) == 0 || stages[len(stages)-1] != projections.Done {
					t.Errorf("rebuild: %v, stages %v", err, stages)
				}
			})
		}
		if page, err := r.list(reader.Account, first.Position); err != nil || len(page.Rows) != 1 {
			t.Fatalf("a read during the rebuild: %v, %d rows", err, len(page.Rows))
		}
	})
	all.Wait()
	r.settle()
	r.counted()
	r.same()
}

func TestATableIsLoadedByStreamsAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.load(100, func(int) {})
	var stages []projections.Stage
	if err := r.admin.Rebuild(t.Context(), []string{"library_books"}, func(p projections.Progress) { stages = append(stages, p.Stage) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(stages, projections.Indexing) || slices.Contains(stages, projections.CatchingUp) {
		t.Errorf("stages %v", stages)
	}
}

func TestARebuildAfterAPurgeEqualsTheLiveRows(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	r.run()
	tenant, purged, kept := es.Tenant{Account: r.writer.ID()}, r.writer.ID(), r.writer.ID()
	r.write(tenant, kept, 0, added("kept"))
	r.write(tenant, purged, 0, added("gone"), changed("gone too"), r.writer.Delete(), es.Purged{})
	half := r.writer.ID()
	r.write(tenant, half, 0, added("blanked, and not yet marked as purged"), r.writer.Delete())
	r.settle()
	r.same()
	if err := r.log.Purge(t.Context(), es.StreamID{Account: tenant.Account, Kind: library.Books.Name, ID: purged}, 3); err != nil {
		t.Fatal(err)
	}
	r.same()
	if err := r.admin.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	r.settle()
	r.same()
	r.counted()
	page, err := r.list(tenant.Account, 0)
	if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != kept {
		t.Errorf("listed %+v, %v", page.Rows, err)
	}
}

func TestCompareNamesTheRowsThatDiffer(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.write(es.Tenant{Account: r.writer.ID()}, r.writer.ID(), 0, added("right"))
	r.ensure()
	r.same()
	r.execute(`UPDATE library_books_v1 SET title = 'wrong'`)
	found, err := r.admin.Compare(t.Context(), []string{"library_books"}, nil)
	if err != nil || len(found) != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestAChangedStructNeedsANewVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	type other struct {
		table.Base
		Title string `db:"title" json:"title"`
	}
	same := func(version int) projections.Projection {
		return table.New(table.Spec[other]{Name: "library_books", Version: version, Kind: library.Books, Evolve: func(*other, es.Event) {}})
	}
	r.admin.Projections = []projections.Projection{same(1)}
	if err := r.admin.Ensure(t.Context(), nil); word(err) != "projection_changed" {
		t.Errorf("the same version: %v", err)
	}
	if err := r.admin.Rebuild(t.Context(), nil, nil); word(err) != "projection_changed" {
		t.Errorf("a rebuild of the same version: %v", err)
	}
	r.admin.Projections = []projections.Projection{same(2)}
	r.ensure()
}

func TestOneOfManyStartsBuilds(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.load(100, func(int) {})
	var all sync.WaitGroup
	var mu sync.Mutex
	switches := 0
	for range 4 {
		all.Go(func() {
			err := r.admin.Ensure(context.WithoutCancel(t.Context()), func(p projections.Progress) {
				mu.Lock()
				defer mu.Unlock()
				if p.Stage == projections.Switching {
					switches++
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if switches != 2 {
		t.Errorf("%d builds, want one for each of two projections", switches)
	}
	r.counted()
}

// plain is a log that cannot read by stream.
type plain struct{ projections.Log }

func TestALogWithoutStreamsBuildsTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.load(300, func(int) {})
	r.admin.Log = plain{r.log}
	r.ensure()
	r.same()
	r.admin.Log = r.log
	r.same()
}

func TestReadsSayWhenTheyCannotBeUpToDate(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	scope := table.Scope{Account: r.writer.ID(), AllSites: true}
	if _, err := r.books.List(t.Context(), r.reader, scope, table.Query{}); err == nil {
		t.Error("a projection that was never built reads")
	}
	r.ensure()
	started := time.Now()
	_, err := r.books.List(t.Context(), r.reader, scope, table.Query{AtLeast: 1, Wait: 20 * time.Millisecond})
	if word(err) != "read_model_behind" || time.Since(started) > 2*time.Second {
		t.Errorf("without a runner: %v", err)
	}
	if _, _, err := r.books.Get(t.Context(), r.reader, scope, r.writer.ID(), table.Query{AtLeast: 1}); word(err) != "read_model_behind" {
		t.Errorf("a detail: %v", err)
	}
	go func() {
		_, _ = r.writer.Write(context.WithoutCancel(t.Context()), es.Tenant{Account: scope.Account}, r.writer.ID(), 0, added("in time"))
	}()
	r.run()
	page, err := r.books.List(t.Context(), r.reader, scope, table.Query{AtLeast: 1, Wait: time.Minute})
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("with one: %v", err)
	}
}
