package e2etest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// load is people at work in several accounts, each of whom knows what their
// keywords must be like, since nobody else touches them.
type load struct {
	t       *testing.T
	i       *e2etest.Installation
	workers []*worker
	stop    chan struct{}
	done    sync.WaitGroup
	acts    atomic.Int64 // that were answered
}

// worker is one of them.
type worker struct {
	*e2etest.Client
	t            *testing.T
	name         string
	site, sector string
	random       *rand.Rand
	requests     int
	keywords     []*known
	last         e2etest.Answer
}

// known is what was acknowledged of a keyword.
type known struct {
	id       string
	text     string
	volume   int64
	deleted  bool
	revision int64
}

// people is how many work in each account.
const people = 4

// work begins and goes on until finish.
func work(t *testing.T, i *e2etest.Installation, accounts int) *load {
	t.Helper()
	l := &load{t: t, i: i, stop: make(chan struct{})}
	for a := range accounts {
		c := i.SignUp(t, fmt.Sprintf("account%d", a))
		site := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]string{"name": "S", "domain": "s.example.com", "industry": "technology-software"}, nil).Data(t).ID
		sector := c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": site, "name": "A"}, nil).Data(t).ID
		for n := range people {
			l.workers = append(l.workers, &worker{
				Client: c, t: t, name: fmt.Sprintf("a%d.w%d", a, n), site: site, sector: sector,
				random: rand.New(rand.NewPCG(uint64(a), uint64(n))),
			})
		}
	}
	for _, w := range l.workers {
		l.while(func() {
			w.act()
			l.acts.Add(1)
		})
	}
	return l
}

// while does something again and again until finish.
func (l *load) while(something func()) {
	l.done.Go(func() {
		for !l.t.Failed() {
			select {
			case <-l.stop:
				return
			default:
				something()
			}
		}
	})
}

// goesOn waits until much more was done, and then a moment by chance, so that
// what comes next falls anywhere in the work.
func (l *load) goesOn() {
	l.t.Helper()
	enough := l.acts.Load() + 40
	e2etest.Eventually(l.t, "people go on with their work", func() bool { return l.acts.Load() >= enough || l.t.Failed() })
	<-time.After(rand.N(500 * time.Millisecond))
}

// finish lets the people end what they began.
func (l *load) finish() {
	l.t.Helper()
	close(l.stop)
	l.done.Wait()
}

// ask sends a request under a key of its own until it is answered.
func (w *worker) ask(want int, method, path string, body any) (e2etest.Answer, bool) {
	w.t.Helper()
	w.requests++
	id := fmt.Sprintf("%s.%d", w.name, w.requests)
	a := w.Until(method, path, body, e2etest.Key(id).With("X-Request-ID", id))
	if a.Status != want {
		w.t.Errorf("%s: want %d, got %s", id, want, a)
		return a, false
	}
	w.last = a
	return a, true
}

// act does one thing: mostly something to a keyword it has, now and then a new
// one or many.
func (w *worker) act() {
	const plenty = 400 / people // of the plan's 500
	switch dice := w.random.IntN(10); {
	case len(w.keywords) == 0 || dice < 3 && len(w.keywords) < plenty:
		w.create()
	case dice == 3 && len(w.keywords) < plenty:
		w.createMany(5)
	default:
		w.alter(w.keywords[w.random.IntN(len(w.keywords))])
	}
}

func (w *worker) text() string { return fmt.Sprintf("keyword %d of %s", len(w.keywords), w.name) }

func (w *worker) create() {
	k := &known{text: w.text(), revision: 1}
	body := map[string]any{"site_id": w.site, "sector_id": w.sector, "keyword": k.text, "volume": 0}
	if a, ok := w.ask(http.StatusCreated, "POST", "planner/keywords/", body); ok {
		k.id = a.Data(w.t).ID
		w.keywords = append(w.keywords, k)
	}
}

// createMany is answered once every item is: one that could not be confirmed
// (503) is asked again under the same key.
func (w *worker) createMany(n int) {
	w.requests++
	id := fmt.Sprintf("%s.%d", w.name, w.requests)
	var items []map[string]any
	var created []*known
	for i := range n {
		k := &known{text: fmt.Sprintf("item %d of %s", i, id), revision: 1}
		created = append(created, k)
		items = append(items, map[string]any{"site_id": w.site, "sector_id": w.sector, "keyword": k.text, "volume": 0})
	}
	var a e2etest.Answer
	e2etest.Eventually(w.t, id+" is answered", func() bool {
		a = w.Until("POST", "planner/keywords/bulk_create/", map[string]any{"items": items}, e2etest.Key(id).With("X-Request-ID", id))
		return a.Status != http.StatusOK || !slices.ContainsFunc(a.Items(w.t), func(i e2etest.Item) bool { return i.Status == http.StatusServiceUnavailable })
	})
	if a.Status != http.StatusOK {
		w.t.Errorf("%s: %s", id, a)
		return
	}
	w.last = a
	for i, item := range a.Items(w.t) {
		if item.Status != http.StatusCreated {
			w.t.Errorf("%s: item %d is %+v", id, i, item)
			return
		}
		created[i].id = item.Data.ID
		w.keywords = append(w.keywords, created[i])
	}
}

func (w *worker) alter(k *known) {
	path := "planner/keywords/" + k.id + "/"
	ok := false
	switch {
	case k.deleted:
		if _, ok = w.ask(http.StatusOK, "POST", path+"restore/", nil); ok {
			k.deleted = false
		}
	case w.random.IntN(3) == 0:
		if _, ok = w.ask(http.StatusOK, "DELETE", path, nil); ok {
			k.deleted = true
		}
	default:
		if _, ok = w.ask(http.StatusOK, "PATCH", path, map[string]any{"volume": k.volume + 1}); ok {
			k.volume++
		}
	}
	if ok {
		k.revision++
	}
}

// check compares what is there with what was acknowledged: nothing is lost and
// nothing doubled. It says how many requests that took.
func (l *load) check() (requests int) {
	l.t.Helper()
	rows := map[string]e2etest.Resource{}
	for _, w := range l.workers {
		requests += w.requests
		maps.Copy(rows, w.rows())
	}
	acknowledged := 0
	for _, w := range l.workers {
		for _, k := range w.keywords {
			acknowledged++
			row, ok := rows[k.id]
			if !ok {
				l.t.Errorf("keyword %q was acknowledged and is lost", k.text)
				continue
			}
			got := known{row.ID, row.Keyword, *row.Volume, row.DeletedAt != nil, row.Revision}
			if got != *k {
				l.t.Errorf("it is %+v, acknowledged was %+v", got, *k)
			}
		}
	}
	if len(rows) != acknowledged {
		l.t.Errorf("there are %d keywords, acknowledged were %d", len(rows), acknowledged)
	}
	return requests
}

// rows are all keywords of the worker's sector, by id.
func (w *worker) rows() map[string]e2etest.Resource {
	w.t.Helper()
	rows := map[string]e2etest.Resource{}
	token := e2etest.Header{}
	if w.last.Header != nil {
		token["X-Consistency-Token"] = w.last.Header.Get("X-Consistency-Token")
	}
	for next := "planner/keywords/?deleted=with&page_size=100&cursor=&sector_id=" + w.sector; next != ""; {
		l := w.Do(http.StatusOK, "GET", next, nil, token).List(w.t)
		for _, row := range l.Results {
			rows[row.ID] = row
		}
		next = ""
		if l.Next != nil {
			next = *l.Next
		}
	}
	return rows
}

// proved has the program's own commands look: the log is dense from 1, so is
// each stream, no command wrote the same to one twice, and every read model equals
// what the events say. It says how many events there are.
func proved(t *testing.T, i *e2etest.Installation) (events int64) {
	t.Helper()
	pulled := i.Run("events", "pull", "--limit=0", "--json")
	if pulled.Code != 0 {
		t.Fatalf("igny8 events pull: %s", pulled.Stderr)
	}
	revisions, written := map[string]int64{}, map[string]bool{}
	for line := range strings.Lines(pulled.Stdout) {
		var e struct {
			Position, Revision int64
			Stream, Type       string
			Command            string `json:"command_id"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events++
		revisions[e.Stream]++
		if e.Position != events || e.Revision != revisions[e.Stream] {
			t.Fatalf("after position %d and revision %d comes %s", events-1, revisions[e.Stream]-1, line)
		}
		once := e.Command + " " + e.Stream + " " + e.Type
		if written[once] {
			t.Errorf("command %s wrote %s twice to %s", e.Command, e.Type, e.Stream)
		}
		written[once] = true
	}
	compared := i.Run("rebuild", "--all", "--check", "--json")
	if compared.Code != 0 || !strings.Contains(compared.Stdout, `"differing_rows":0`) {
		t.Errorf("igny8 rebuild --all --check ends with %d: %s%s", compared.Code, compared.Stdout, compared.Stderr)
	}
	return events
}
