package projections_test

import (
	"errors"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
)

func word(err error) string {
	var refused *es.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Word()
}

func TestAnEventThatFailsParksItsAccountUntilItIsRepaired(t *testing.T) {
	t.Parallel()
	r := newRig(t, breaking)
	r.ensure()
	sick, well := es.Tenant{Account: r.writer.ID()}, es.Tenant{Account: r.writer.ID()}
	a, b, c := r.writer.ID(), r.writer.ID(), r.writer.ID()
	r.write(sick, a, 0, added("fine"))
	poison := r.write(sick, a, 1, changed(library.Poison))
	r.write(well, b, 0, added("unharmed"))
	r.write(sick, c, 0, added("waiting"))
	r.run()
	r.settle()
	last := r.write(sick, c, 1, changed("waiting too"))
	r.settle()

	page, err := r.list(well.Account, last.Position)
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("the other account: %v, %+v", err, page.Rows)
	}
	if _, err := r.list(sick.Account, 0); word(err) != "projection_parked" {
		t.Errorf("the parked account reads: %v", err)
	}
	r.counted()
	r.parkedAt(sick.Account, poison.Position, 1)

	if err := r.admin.Retry(t.Context(), "library_books", sick.Account); err == nil {
		t.Error("the poison passed")
	}
	r.parkedAt(sick.Account, poison.Position, 2)

	r.admin.Projections = []projections.Projection{library.Table("library_books", 1, library.Evolve), library.Counts()}
	r.load(50, func(step int) {
		if step == 25 {
			if err := r.admin.Retry(t.Context(), "library_books", sick.Account); err != nil {
				t.Error(err)
			}
		}
	})
	last = r.write(sick, c, 2, changed("live again"))
	page, err = r.list(sick.Account, last.Position)
	if err != nil || len(page.Rows) != 2 || page.Rows[0].Title != "live again" || page.Rows[1].Title != library.Poison {
		t.Errorf("after the repair: %v, %+v", err, page.Rows)
	}
	r.settle()
	r.same()
}

func (r *rig) parkedAt(account es.ID, position int64, attempts int) {
	r.t.Helper()
	all, err := r.admin.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range all {
		want := 0
		if s.Key == r.books.Key() {
			want = 1
		}
		if len(s.Parked) != want || s.Lag != 0 {
			r.t.Fatalf("status %+v", s)
		}
		if want == 1 && (s.Parked[0].Account != account || s.Parked[0].Position != position || s.Parked[0].Attempts != attempts || s.Parked[0].Error == "") {
			r.t.Errorf("parked %+v, want position %d, attempt %d", s.Parked[0], position, attempts)
		}
	}
}

func TestARebuildParksWhatItCannotTake(t *testing.T) {
	t.Parallel()
	r := newRig(t, breaking)
	sick, well := es.Tenant{Account: r.writer.ID()}, es.Tenant{Account: r.writer.ID()}
	a := r.writer.ID()
	r.write(well, r.writer.ID(), 0, added("unharmed"))
	r.write(sick, a, 0, added("fine"))
	poison := r.write(sick, a, 1, changed(library.Poison))
	r.ensure()
	r.parkedAt(sick.Account, poison.Position, 1)
	if page, err := r.list(well.Account, 0); err != nil || len(page.Rows) != 1 {
		t.Errorf("the other account: %v", err)
	}
	if _, err := r.list(sick.Account, 0); word(err) != "projection_parked" {
		t.Errorf("the parked account reads: %v", err)
	}
}
