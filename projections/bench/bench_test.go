package bench_test

import (
	"os"
	"strconv"
	"testing"

	store "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/projections/bench"
)

// TestWhatIsMeasuredWorks runs every measurement small. BENCH_EVENTS makes it
// larger, and -v prints what came out.
func TestWhatIsMeasuredWorks(t *testing.T) {
	t.Parallel()
	events := 12_000
	if text := os.Getenv("BENCH_EVENTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		events = n
	}
	db := pgtest.New(t).Postgres
	log := store.NewLog(db.Pool(postgres.RoleProjector))
	t.Cleanup(log.Close)
	appends := store.NewStore(db.Pool(postgres.RoleAppender))
	t.Cleanup(appends.Close)
	b := &bench.Bench{Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector), App: db.Pool(postgres.RoleApp), Store: appends, Log: log}
	if err := b.Fill(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	one, err := b.Rebuild(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rebuild of one: %.0f events/s, %d MB of heap", one.PerSecond(), one.Heap>>20)
	caught, err := b.CatchUp(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("catch-up over ten: %.0f events/s", caught.PerSecond())
	list, byHand, err := b.List(t.Context(), 300)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("list of 25: %v / %v, by hand %v / %v", list.P50, list.P99, byHand.P50, byHand.P99)
}
