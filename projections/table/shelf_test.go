package table_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
)

// shelf is a filled table, and its rows as the fold gives them.
type shelf struct {
	db       *pgtest.DB
	books    *table.Table[library.Book]
	reader   *projections.Reader
	rows     model
	accounts []es.ID
	sites    []es.ID
	shelves  []es.ID
	titles   []string
}

// fill writes books of two accounts and three sites, with changes, deletions,
// restores and purges, and builds the table.
func fill(t *testing.T, books int) *shelf {
	t.Helper()
	s := &shelf{db: pgtest.New(t), books: library.Table("library_books", 1, library.Evolve)}
	store := memory.New()
	w := &library.Writer{Store: store, Now: time.Date(2026, 1, 2, 3, 4, 5, 678901, time.UTC)}
	for range 3 {
		s.sites, s.shelves = append(s.sites, w.ID()), append(s.shelves, w.ID())
	}
	s.accounts = []es.ID{w.ID(), w.ID()}
	s.titles = []string{"soil", "Soil and water", "WATER", "50% off", "snow_white", `back\slash`, "soil"}
	random := rand.New(rand.NewPCG(1, 2))
	for range books {
		tenant := es.Tenant{Account: s.accounts[random.IntN(2)]}
		if n := random.IntN(4); n < 3 {
			tenant.Site = s.sites[n]
		}
		id := w.ID()
		events := []es.Event{library.Added{Facts: s.facts(random)}}
		for range random.IntN(3) {
			events = append(events, library.Changed{Facts: s.facts(random)})
		}
		switch random.IntN(6) {
		case 0:
			events = append(events, w.Delete())
		case 1:
			events = append(events, w.Delete(), es.Restored{})
		case 2:
			if random.IntN(3) == 0 {
				events = append(events, w.Delete(), es.Purged{})
			}
		}
		if _, err := w.Write(t.Context(), tenant, id, 0, events...); err != nil {
			t.Fatal(err)
		}
	}
	s.build(t, store)
	return s
}

func (s *shelf) facts(r *rand.Rand) library.Facts {
	f := library.Facts{Title: s.titles[r.IntN(len(s.titles))], Lent: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		f.Shelf = &s.shelves[r.IntN(3)]
	}
	if r.IntN(3) > 0 {
		pages := int64(r.IntN(5) * 100)
		f.Pages = &pages
	}
	if r.IntN(3) > 0 {
		price := float64(r.IntN(4)) * 1.1
		f.Price = &price
	}
	if r.IntN(3) > 0 {
		due := time.Date(2026, 3, 1+r.IntN(4), 0, 0, 0, 123456789, time.UTC)
		f.Due = &due
	}
	if r.IntN(2) == 0 {
		f.Tags = []string{"old", fmt.Sprintf("shelf%d", r.IntN(3))}
	}
	if r.IntN(4) == 0 {
		f.Notes = map[string]string{"by": "hand"}
	}
	return f
}

// build makes the table of the log, and the rows by folding it.
func (s *shelf) build(t *testing.T, store *memory.Store) {
	t.Helper()
	admin := &projections.Admin{
		Owner: s.db.Postgres.Pool(postgres.RoleOwner), Projector: s.db.Postgres.Pool(postgres.RoleProjector),
		Log: store, Registry: library.Registry(), Projections: []projections.Projection{s.books},
	}
	if err := admin.Ensure(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.reader = projections.NewReader(s.db.Postgres.Pool(postgres.RoleApp), nil)
	s.rows = folded(t.Context(), t, s.books, store)
}

// folded is every row that Fold gives.
func folded(ctx context.Context, t *testing.T, books *table.Table[library.Book], log projections.Log) (rows model) {
	t.Helper()
	page, err := log.Read(ctx, 0, es.Filter{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	current := map[es.StreamID]any{}
	var order []es.StreamID
	for _, rec := range page.Events {
		e, err := library.Registry().Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Revision == 1 {
			order = append(order, rec.Stream)
		}
		current[rec.Stream] = books.Fold(current[rec.Stream], rec, e)
	}
	for _, stream := range order {
		if row, alive := current[stream].(library.Book); alive {
			rows = append(rows, row)
		}
	}
	return rows
}
