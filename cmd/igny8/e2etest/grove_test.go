package e2etest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// grove is a sector that one person deletes and restores all the time while
// another adds keywords to it, so that they meet cascades at any point.
type grove struct {
	planter, pruner *worker
	sector          string
	planted         int
}

// groves has such a sector beside the work of each account.
func (l *load) groves() (all []*grove) {
	l.t.Helper()
	for n := 0; n < len(l.workers); n += people {
		w := l.workers[n]
		body := map[string]string{"site_id": w.site, "name": "Grove"}
		g := &grove{sector: w.Do(http.StatusCreated, "POST", "auth/sectors/", body, nil).Data(l.t).ID}
		g.planter = &worker{Client: w.Client, t: w.t, name: fmt.Sprintf("planter%d", n), site: w.site, sector: g.sector}
		g.pruner = &worker{Client: w.Client, t: w.t, name: fmt.Sprintf("pruner%d", n), site: w.site, sector: g.sector}
		l.while(g.plant)
		l.while(g.prune)
		all = append(all, g)
	}
	return all
}

// plant adds a keyword, which is refused while the sector is deleted.
func (g *grove) plant() {
	const most = 80 // of the plan's 500, beside what the others have
	if g.planted == most {
		return
	}
	p := g.planter
	p.requests++
	id := fmt.Sprintf("%s.%d", p.name, p.requests)
	body := map[string]any{"site_id": p.site, "sector_id": g.sector, "keyword": id}
	switch a := p.Until("POST", "planner/keywords/", body, e2etest.Key(id).With("X-Request-ID", id)); {
	case a.Status == http.StatusCreated:
		g.planted++
		p.last = a
	case a.Status >= http.StatusInternalServerError:
		p.t.Errorf("%s: %s", id, a)
	}
}

// prune deletes the sector and restores it.
func (g *grove) prune() {
	path := "auth/sectors/" + g.sector + "/"
	if _, ok := g.pruner.ask(http.StatusOK, "DELETE", path, nil); ok {
		g.pruner.ask(http.StatusOK, "POST", path+"restore/", nil)
	}
}

// whole wants every keyword that was planted to live, since the sector does, and
// then to be deleted along with it.
func (g *grove) whole(t *testing.T) {
	t.Helper()
	var rows map[string]e2etest.Resource
	all := func(what, deletion string) {
		t.Helper()
		e2etest.Eventually(t, what, func() bool {
			if rows = g.planter.rows(); len(rows) != g.planted {
				t.Errorf("%d keywords were planted, there are %d", g.planted, len(rows))
				return true
			}
			for _, row := range rows {
				if row.DeletionID != deletion {
					return false
				}
			}
			return true
		})
	}
	all("every keyword of a sector that lives does", "")
	a, _ := g.pruner.ask(http.StatusOK, "DELETE", "auth/sectors/"+g.sector+"/", nil)
	all("every keyword of a deleted sector is deleted with it", a.Data(t).DeletionID)
}
