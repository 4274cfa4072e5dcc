package system_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi/system"
)

func TestAStreamGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	w.happens(w.ann, "a")
	w.happens(w.bob, "foreign")
	w.happens(w.ann, "b")
	f := w.follow("ann", "")
	if got := w.texts(f.events(2)); got != "a b" {
		t.Fatalf("first %s", got)
	}
	w.happens(w.ann, "c")
	if got := w.texts(f.events(1)); got != "c" {
		t.Fatalf("live %s", got)
	}
	f.cut()
	w.happens(w.ann, "d")
	w.stop()
	w.start()
	if got := w.texts(w.follow("ann", "", "Last-Event-ID", f.last).events(1)); got != "d" {
		t.Errorf("after a restart %s", got)
	}
	if got := w.texts(w.pull("ann", "?after="+f.last).Results); got != "d" {
		t.Errorf("pulled %s", got)
	}
	if got := w.texts(w.follow("ann", "?last_event_id="+w.pull("ann", "?limit=2").Cursor).events(2)); got != "c d" {
		t.Errorf("after a pull %s", got)
	}
	late := w.follow("ann", "?after=latest")
	w.happens(w.ann, "e")
	if got := w.texts(late.events(1)); got != "e" {
		t.Errorf("from the latest %s", got)
	}
}

func TestAStreamsPlacePassesWhatItDoesNotShow(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	f := w.follow("ann", "?types=test.other.*")
	f.heartbeats(1)
	before := f.last
	w.happens(w.ann, "a")
	for f.last == before {
		f.heartbeats(1)
	}
	if got := w.pull("ann", "?after="+f.last); len(got.Results) != 0 {
		t.Errorf("its place is still before it: %s", got.raw)
	}
}

func TestAStreamShowsWhatIsGrantedNow(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	mine, other := commands.NewID(), commands.NewID()
	at := func(site es.ID) func(*es.Envelope) { return func(e *es.Envelope) { e.Site = site } }
	w.sites.Store(&[]es.ID{mine})
	f := w.follow("ann", "")
	w.happens(w.ann, "a", at(mine))
	w.happens(w.ann, "hidden", at(other))
	w.happens(w.ann, "b")
	if got := w.texts(f.events(2)); got != "a b" {
		t.Fatalf("%s", got)
	}
	w.sites.Store(&[]es.ID{other})
	f.heartbeats(3) // looks at the reader again
	w.happens(w.ann, "hidden", at(mine))
	w.happens(w.ann, "c", at(other))
	if got := w.texts(f.events(1)); got != "c" {
		t.Errorf("%s", got)
	}
}

// careless is a log that ignores the filter's account, or says that it is
// another's.
type careless struct {
	system.Log
	as es.ID
}

func (l careless) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	filter.Account = l.as
	return l.Log.Read(ctx, after, filter, limit)
}

func TestAccountsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	t.Run("by row-level security and the filter", func(t *testing.T) {
		t.Parallel()
		w := onPostgres(t)
		neverMixes(t, w)
	})
	t.Run("by the edge alone, when the log gives everybody's", func(t *testing.T) {
		t.Parallel()
		w := onMemory(t)
		w.log = careless{Log: w.log}
		w.stop()
		w.start()
		neverMixes(t, w)
	})
}

func neverMixes(t *testing.T, w *world) {
	t.Helper()
	ann, bob := w.follow("ann", ""), w.follow("bob", "")
	for range 30 {
		w.happens(w.ann, "ann")
		w.happens(w.bob, "bob")
	}
	for _, f := range []struct {
		*follower
		who string
	}{{ann, "ann"}, {bob, "bob"}} {
		if got := w.texts(f.events(30)); strings.Count(got, f.who) != 30 {
			t.Errorf("%s saw %s", f.who, got)
		}
	}
	foreign := w.request("bob", "stream/", "Last-Event-ID", ann.last)
	answer, err := http.DefaultTransport.RoundTrip(foreign)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("another account's cursor: %d", answer.StatusCode)
	}
}

func TestPullAndStreamTogetherTellEverythingOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := onPostgres(t)
			const writers, each = 4, 60
			var writing sync.WaitGroup
			for i := range writers {
				writing.Go(func() {
					for n := range each {
						account := w.ann
						if n%3 == 0 {
							account = w.bob
						}
						if _, err := w.tries(account, fmt.Sprintf("%d-%d", i, n)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			const want = writers * each * 2 / 3
			random, cursor := rand.New(rand.NewPCG(seed, 1)), ""
			var seen []system.CloudEvent
			for began := time.Now(); len(seen) < want; {
				if time.Since(began) > patience {
					t.Fatalf("only %d of %d events came", len(seen), want)
				}
				if random.IntN(2) == 0 {
					page := w.pull("ann", fmt.Sprintf("?limit=%d&after=%s", 1+random.IntN(9), cursor), "Prefer", "wait=1")
					seen, cursor = append(seen, page.Results...), page.Cursor
					continue
				}
				f := w.follow("ann", "", "Last-Event-ID", cursor)
				for range min(1+random.IntN(20), want-len(seen)) {
					e, isEvent, err := f.next()
					if err != nil {
						t.Fatal(err)
					}
					if isEvent {
						seen = append(seen, e)
					}
				}
				cursor = f.last
				f.cut()
				if random.IntN(8) == 0 {
					w.stop()
					w.start()
				}
			}
			writing.Wait()
			ids := map[string]bool{}
			for i, e := range seen {
				if ids[e.ID] || i > 0 && seen[i-1].Position >= e.Position {
					t.Fatalf("%s at %d came twice or out of order", e.ID, e.Position)
				}
				ids[e.ID] = true
			}
			if rest := w.pull("ann", "?after="+cursor); len(seen) != want || len(rest.Results) != 0 {
				t.Errorf("%d events, and %d after them, want %d", len(seen), len(rest.Results), want)
			}
		})
	}
}

func TestLargeEventsComeWhole(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	text := strings.Repeat("0123456789abcdef", 12<<10)
	w.happens(w.ann, text)
	if got := w.texts(w.follow("ann", "").events(1)); got != text {
		t.Errorf("%d bytes of %d", len(got), len(text))
	}
}

func TestASlowReaderHoldsAPageAndIsDropped(t *testing.T) { //nolint:paralleltest // it measures memory.
	w := onMemory(t)
	text := strings.Repeat("0123456789abcdef", 4<<10)
	for range 1000 { // 64 MiB
		w.happens(w.ann, text)
	}
	f := w.follow("ann", "")
	f.events(1)
	var before, after runtime.MemStats
	heap := func(m *runtime.MemStats) {
		runtime.GC()
		runtime.ReadMemStats(m)
	}
	heap(&before)
	slow := make([]*follower, 8)
	for i := range slow {
		slow[i] = w.follow("ann", "")
	}
	time.Sleep(60 * time.Millisecond) // less than their patience, with all of them stuck
	heap(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(len(slow))
	t.Logf("a slow reader holds %d KiB", each>>10)
	if each > 16<<20 { // of 64; the race detector takes most of it, and 2 are enough without.
		t.Error("that is too much")
	}
	for began := time.Now(); w.api.OpenStreams()["/api/v1/system/events/stream/"] > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("slow readers are waited for")
		}
	}
}

func TestLatencyFromCommitToReader(t *testing.T) {
	t.Parallel()
	w := onPostgres(t)
	f := w.follow("ann", "")
	f.heartbeats(1)
	var took []time.Duration
	for range 200 {
		w.happens(w.ann, "x")
		committed := time.Now()
		f.events(1)
		took = append(took, time.Since(committed))
	}
	slices.Sort(took)
	t.Logf("commit to reader: p50 %v, p99 %v", took[len(took)/2], took[len(took)*99/100])
}
