package projections_test

import (
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
)

func TestWhatIsWrittenIsListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	r.run()
	tenant, book := es.Tenant{Account: r.writer.ID()}, r.writer.ID()
	r.write(tenant, book, 0, added("Soil"))
	last := r.write(tenant, book, 1, changed("Soil and water"))
	page, err := r.books.List(t.Context(), r.reader, table.Scope{Account: tenant.Account, AllSites: true}, table.Query{AtLeast: last.Position, Wait: 5e9})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != 1 || page.Rows[0].Title != "Soil and water" || page.Rows[0].Revision != 2 || page.Position != last.Position || *page.Count != 1 {
		t.Errorf("got %+v", page)
	}
	r.settle()
	r.same()
}
