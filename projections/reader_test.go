package projections_test

import (
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
)

func TestAReadHoldsNothingPastThePositionItIsTrueFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	r.start(r.runner(r.positions))
	tenant, book := es.Tenant{Account: r.writer.ID()}, r.writer.ID()
	last := r.write(tenant, book, 0, added("a"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				last = r.write(tenant, book, last.Revision, changed("b"))
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	deadline := time.Now().Add(20 * time.Second)
	for moved := map[int64]bool{}; len(moved) < 50; {
		if time.Now().After(deadline) {
			t.Fatalf("the test is void: only %d positions were seen", len(moved))
		}
		page, err := r.list(tenant.Account, 0)
		if err != nil {
			t.Fatal(err)
		}
		moved[page.Position] = true
		for _, row := range page.Rows {
			if row.Position > page.Position {
				t.Fatalf("what is true for position %d has a row of position %d", page.Position, row.Position)
			}
		}
	}
}

func TestAReadIsRefusedWhereItsRowsAndItsPositionMayDiffer(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	reader := projections.NewReader(r.db.Postgres.Pool("igny8_projector"), nil)
	if _, err := reader.Query(t.Context(), projections.Read{Uses: []projections.Key{r.books.Key()}}, "SELECT 1", nil, nil); err == nil {
		t.Error("a pool of read committed transactions was taken")
	}
}
