package retentiontest_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func TestAtTheEndOfItsWindowEitherTheRestoreWinsOrThePurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.keywords(200)
	w.settle()
	late, err := open(w.pool, w.dir, nil) // whose clock is past the end, while here it is a moment before.
	w.must(err)
	defer late.close()
	late.forward(15 * day)
	var sweep sync.WaitGroup
	sweep.Go(func() {
		if _, err := late.sweep(w.Context()); err != nil {
			t.Error(err)
		}
	})
	requests := make([]commands.Request, len(ids))
	for i, id := range ids {
		requests[len(ids)-1-i] = w.request(id, commands.Restore{Kind: planner.KeywordKind.Name})
	}
	_, errs := w.bus.DoAll(t.Context(), requests, 8)
	sweep.Wait()
	restored := 0
	for i, r := range requests {
		k, err := commands.Load(t.Context(), late.bus, planner.KeywordKind, w.account, r.Target)
		w.must(err)
		var e *es.Error
		switch refused := errs[i]; {
		case refused == nil:
			restored++
			if !k.Live() {
				t.Errorf("it was restored, and is %+v", k.Entity)
			}
		case !errors.As(refused, &e) || e.Word() != "purged":
			t.Errorf("the restore is refused with %v", refused)
		case !k.Purged:
			t.Errorf("the restore was refused, and it is %+v", k.Entity)
		}
	}
	if n := w.count(`SELECT count(*) FROM event_log WHERE revision = 3`); n != len(ids) {
		t.Errorf("%d restores and purges of %d", n, len(ids))
	}
	t.Logf("%d restored, %d purged", restored, len(ids)-restored)
	_, err = late.blank(t.Context())
	w.must(err)
	if n := w.left(ids...); n != 3*restored {
		t.Errorf("%d events have data, want %d", n, 3*restored)
	}
	w.same()
}
