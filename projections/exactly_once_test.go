package projections_test

import (
	"math/rand/v2"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
)

const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE datname = current_database() AND usename = 'igny8_projector' AND pid <> pg_backend_pid()`

func TestRowsAreExactWhateverConnectionsDieAndHoweverManyRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	r.run()
	r.start(r.runner(projections.NewPositions()))
	random := rand.New(rand.NewPCG(7, 7))
	r.load(1500, func(step int) {
		if random.IntN(60) == 0 {
			r.execute(terminate + ` AND random() < 0.5`)
		}
	})
	r.settle()
	r.counted()
	r.same()
}

func TestAProcessThatStopsIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	stop := r.run()
	other := false
	r.load(600, func(step int) {
		if step == 300 {
			r.start(r.runner(projections.NewPositions()))
			stop()
			other = true
		}
	})
	r.settle()
	if !other {
		t.Fatal("nobody took over")
	}
	r.counted()
	r.same()
}

func TestAFrozenRunnerIsFencedWhenItWakes(t *testing.T) {
	t.Parallel()
	r := newRig(t, library.Evolve)
	r.ensure()
	frozen, thaw, woken := make(chan struct{}), make(chan struct{}), make(chan struct{})
	leases := 0
	sleeper := r.runner(projections.NewPositions())
	first := true
	sleeper.Pause(func(at string, key projections.Key) {
		switch {
		case at == projections.BeforeLease:
			if leases++; leases > 1 {
				<-thaw
			}
		case at == projections.BeforeBegin && key == r.books.Key() && first:
			first = false
			close(frozen)
			<-thaw
			close(woken)
		}
	})
	r.start(sleeper)
	tenant, book := es.Tenant{Account: r.writer.ID()}, r.writer.ID()
	r.write(tenant, book, 0, added("before"))
	<-frozen
	r.start(r.runner(r.positions))
	r.execute(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	r.settle()
	last := r.write(tenant, book, 1, changed("after"))
	r.settle()
	close(thaw)
	<-woken
	last = r.write(tenant, book, last.Revision, changed("at last"))
	page, err := r.list(tenant.Account, last.Position)
	if err != nil || page.Rows[0].Title != "at last" {
		t.Fatalf("%v: %+v", err, page.Rows)
	}
	r.settle()
	r.counted()
	r.same()
}
