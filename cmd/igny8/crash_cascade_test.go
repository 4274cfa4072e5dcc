package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// tree is a site of two sectors with keywords in both.
type tree struct {
	*mortal
	c             *e2etest.Client
	site          string
	first, second string // the sectors
}

const keywordsEach = 205

func plantTree(t *testing.T) *tree {
	t.Helper()
	m := installMortal(t)
	c := m.SignUp(t, "joan")
	tr := &tree{mortal: m, c: c}
	tr.site, tr.first = sector(t, c)
	tr.second = c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": tr.site, "name": "B"}, nil).Data(t).ID
	for _, in := range []string{tr.first, tr.second} {
		for from := 0; from < keywordsEach; from += 100 {
			var items []map[string]any
			for n := from; n < min(from+100, keywordsEach); n++ {
				items = append(items, map[string]any{"site_id": tr.site, "sector_id": in, "keyword": fmt.Sprintf("keyword %d", n)})
			}
			c.Do(http.StatusOK, "POST", "planner/keywords/bulk_create/", map[string]any{"items": items}, nil)
		}
	}
	return tr
}

// settled sends a delete or a restore of a parent, has the process die at each
// of the faults, one after another, the last of them in the midst of what follows
// from it, and gives the answer once that is done.
func (tr *tree) settled(method, path string, faults ...fault) e2etest.Answer {
	tr.t.Helper()
	key := e2etest.Key(method + " " + path)
	before := tr.followed()
	for n, f := range faults {
		tr.arm(f)
		if n == 0 {
			if a, err := tr.c.Send(method, path, nil, key); err == nil {
				tr.t.Fatalf("killed at %s, it still answered %s", f, a)
			}
		} else {
			tr.Launch() // and what was left undone goes on by itself
		}
		tr.Died()
	}
	tr.disarm()
	if done := tr.followed() - before; done <= 0 || done >= keywordsEach {
		tr.t.Errorf("%s %s was cut off when %d keywords had followed: no cut in their midst", method, path, done)
	}
	tr.Start()
	return tr.c.Until(method, path, nil, key).Expect(tr.t, http.StatusOK)
}

// followed is how many deletions and restores of keywords there are.
func (tr *tree) followed() int {
	tr.t.Helper()
	out := tr.Run("events", "pull", "--types=planner.keyword.deleted.v1,planner.keyword.restored.v1", "--limit=0", "--json")
	if out.Code != 0 {
		tr.t.Fatalf("pulling events: %s", out.Stderr)
	}
	return strings.Count(out.Stdout, "\n")
}

// state is what of the account's keywords and sectors is under which deletion:
// their number by deletion id, "" for those that live.
func (tr *tree) state(path string) map[string]int {
	tr.t.Helper()
	counts := map[string]int{}
	next := path + "?deleted=with&page_size=100&cursor="
	for {
		l := tr.c.Get(next).List(tr.t)
		for _, row := range l.Results {
			counts[row.DeletionID]++
		}
		if l.Next == nil {
			return counts
		}
		next = *l.Next
	}
}

// becomes waits until keywords and sectors are as wanted, and that once each:
// every one of them must have had so many events.
func (tr *tree) becomes(what string, keywords, sectors map[string]int) {
	tr.t.Helper()
	var have, haveSectors map[string]int
	e2etest.Eventually(tr.t, what, func() bool {
		have, haveSectors = tr.state("planner/keywords/"), tr.state("auth/sectors/")
		return fmt.Sprint(have) == fmt.Sprint(keywords) && fmt.Sprint(haveSectors) == fmt.Sprint(sectors) || tr.t.Failed()
	})
}

func TestACascadeThatWasCutOffFinishesAndIsUndoneExactly(t *testing.T) {
	t.Parallel()
	tr := plantTree(t)
	c := tr.c
	alone := c.Get("planner/keywords/?sector_id=" + tr.second).List(t).Results[0].ID
	own := c.Do(http.StatusOK, "DELETE", "planner/keywords/"+alone+"/", nil, nil).Data(t).DeletionID

	sectorPath, sitePath := "auth/sectors/"+tr.first+"/", "auth/sites/"+tr.site+"/"
	one := tr.settled("DELETE", sectorPath, fault{"appended", 1}, fault{"appended", 1}).Data(t).DeletionID
	tr.becomes("the deletion of a sector reaches its keywords",
		map[string]int{"": keywordsEach - 1, own: 1, one: keywordsEach}, map[string]int{"": 1, one: 1})

	tr.settled("POST", sectorPath+"restore/", fault{"appended", 2})
	tr.becomes("the restore of a sector reaches its keywords",
		map[string]int{"": 2*keywordsEach - 1, own: 1}, map[string]int{"": 2})

	all := tr.settled("DELETE", sitePath, fault{"decided", 2}, fault{"appended", 1}).Data(t).DeletionID
	tr.becomes("the deletion of a site reaches everything in it",
		map[string]int{own: 1, all: 2*keywordsEach - 1}, map[string]int{all: 2})
	if own == one || one == all || own == all {
		t.Errorf("deletions share their ids: %s, %s, %s", own, one, all)
	}

	tr.settled("POST", sitePath+"restore/", fault{"appended", 1}, fault{"appended", 2})
	tr.becomes("the restore of a site reaches everything that went with it",
		map[string]int{"": 2*keywordsEach - 1, own: 1}, map[string]int{"": 2})
	tr.onceEach(alone)
}

// onceEach wants every keyword of the first sector created, deleted and restored
// twice, those of the second once, and the one that was deleted alone only that.
func (tr *tree) onceEach(alone string) {
	tr.t.Helper()
	for _, in := range []string{tr.first, tr.second} {
		next := "planner/keywords/?deleted=with&page_size=100&cursor=&sector_id=" + in
		for next != "" {
			l := tr.c.Get(next).List(tr.t)
			for _, row := range l.Results {
				want := int64(5)
				switch {
				case row.ID == alone:
					want = 2
				case in == tr.second:
					want = 3
				}
				if row.Revision != want {
					tr.t.Errorf("keyword %q has %d events, want %d", row.Keyword, row.Revision, want)
				}
			}
			next = ""
			if l.Next != nil {
				next = *l.Next
			}
		}
	}
}
