package e2etest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// diary is what a person did, and by which request, to compare with the feed.
type diary struct {
	t     *testing.T
	pages []page
}

// page is one event that must have happened.
type page struct{ event, subject, request string }

// writes notes that an answered request did this to that.
func (d *diary) writes(a e2etest.Answer, event string, ids ...string) {
	d.t.Helper()
	request := a.Header.Get("X-Request-ID")
	if request == "" || a.RequestID(d.t) != request {
		d.t.Errorf("request id %q in the header, %q in the body", request, a.RequestID(d.t))
	}
	kind, _, _ := strings.Cut(event, " ")
	for _, id := range ids {
		d.pages = append(d.pages, page{"igny8." + strings.ReplaceAll(event, " ", ".") + ".v1", kind + "/" + id, request})
	}
}

// asked are the events that follow from requests alone; what an account is given
// by itself comes in its own time.
const asked = "identity.*,tenancy.*,planner.*"

// feed reads the whole history of what was asked by its cursor, some events at a
// time.
func feed(t *testing.T, c *e2etest.Client, limit int) []e2etest.Event {
	t.Helper()
	var all []e2etest.Event
	after := ""
	for {
		events, cursor := c.Get(fmt.Sprintf("system/events/?types=%s&limit=%d&after=%s", asked, limit, url.QueryEscape(after))).Events(t)
		if len(events) == 0 {
			return all
		}
		all, after = append(all, events...), cursor
	}
}

func TestAPersonSignsUpPlansKeywordsAndReadsTheWholeHistory(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	d := &diary{t: t}
	keywords := "planner.keyword"

	c := i.SignUp(t, "ada")
	first := feed(t, c, 10)
	if len(first) != 2 {
		t.Fatalf("after the sign-up the feed has %v", first)
	}
	c.LogIn()
	c.Renew()

	a := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]string{"name": "Notes", "domain": "notes.example.com", "industry": "technology-software"}, nil)
	site := a.Data(t).ID
	d.writes(a, "tenancy.site created", site)
	a = c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": site, "name": "Sales"}, nil)
	sales := a.Data(t).ID
	d.writes(a, "tenancy.sector created", sales)
	a = c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": site, "industry_sector": "cloud-hosting"}, nil)
	hosting := a.Data(t)
	d.writes(a, "tenancy.sector created", hosting.ID)
	if hosting.Name != "Cloud hosting" {
		t.Errorf("the industry's sector is called %q", hosting.Name)
	}

	var single []string
	for n := range 5 {
		body := map[string]any{"site_id": site, "sector_id": sales, "keyword": fmt.Sprintf("crm software %d", n), "volume": 1000 * n, "country": "us"}
		h := e2etest.Header{"X-Request-ID": fmt.Sprintf("one-by-one.%d", n)}
		a = c.Do(http.StatusCreated, "POST", "planner/keywords/", body, h)
		single = append(single, a.Data(t).ID)
		d.writes(a, keywords+" created", a.Data(t).ID)
		if a.Header.Get("Location") != "/api/v1/planner/keywords/"+a.Data(t).ID+"/" || a.Header.Get("ETag") != `"1"` {
			t.Errorf("the create answers %v", a.Header)
		}
	}
	items := make([]map[string]any, 101)
	for n := range items {
		items[n] = map[string]any{"site_id": site, "sector_id": hosting.ID, "keyword": fmt.Sprintf("hosting %03d", n), "volume": n, "difficulty": n % 101}
	}
	c.Do(http.StatusBadRequest, "POST", "planner/keywords/bulk_create/", map[string]any{"items": items}, nil)
	a = c.Do(http.StatusOK, "POST", "planner/keywords/bulk_create/", map[string]any{"items": items[:100]}, nil)
	many := bulk(t, a, http.StatusCreated)
	d.writes(a, keywords+" created", many...)

	token := e2etest.Header{"X-Consistency-Token": a.Header.Get("X-Consistency-Token")}
	list := func(query string) e2etest.List {
		t.Helper()
		return c.Do(http.StatusOK, "GET", "planner/keywords/?"+query, nil, token).List(t)
	}
	counts(t, list(""), 105)
	counts(t, list("sector_id="+sales), 5)
	counts(t, list("volume__gte=50&volume__lte=59&sector_id="+hosting.ID), 10)
	counts(t, list("country=US"), 5)
	counts(t, list("country__isnull=true"), 100)
	counts(t, list("search="+url.QueryEscape(`"crm software" 3`)), 1)
	counts(t, list("search=hosting+crm"), 0)
	if top := list("ordering=-volume,keyword&page_size=2&fields=id,volume").Results; len(top) != 2 || *top[0].Volume != 4000 || *top[1].Volume != 3000 || top[0].Keyword != "" {
		t.Errorf("the two biggest are %v", top)
	}
	pages(t, c, "planner/keywords/?page_size=50&ordering=keyword", 3, 105)
	pages(t, c, "planner/keywords/?page_size=40&ordering=-volume&cursor=", 3, 105)
	if a = c.Do(http.StatusNotFound, "GET", "planner/keywords/?page=99", nil, token); a.Code() != "invalid_page" {
		t.Errorf("a page past the end answers %s", a)
	}

	one := "planner/keywords/" + single[0] + "/"
	a = c.Do(http.StatusOK, "GET", one, nil, token)
	tag := a.Header.Get("ETag")
	a = c.Do(http.StatusOK, "PATCH", one, map[string]any{"volume": 7}, e2etest.Header{"If-Match": tag})
	d.writes(a, keywords+" changed", single[0])
	if *a.Data(t).Volume != 7 || a.Header.Get("ETag") != `"2"` {
		t.Errorf("the change answers %s with the tag %s", a, a.Header.Get("ETag"))
	}
	if a = c.Do(http.StatusPreconditionFailed, "PATCH", one, map[string]any{"volume": 8}, e2etest.Header{"If-Match": tag}); a.Code() != "precondition" {
		t.Errorf("a stale If-Match answers the code %q", a.Code())
	}
	token["X-Consistency-Token"] = c.Do(http.StatusOK, "PATCH", one, map[string]any{"volume": 7}, nil).Header.Get("X-Consistency-Token") // which changes nothing
	a = c.Do(http.StatusOK, "GET", one, nil, token)
	if *a.Data(t).Volume != 7 || a.Data(t).Revision != 2 {
		t.Errorf("after a change, a stale one and one to the same: %s", a)
	}

	a = c.Do(http.StatusOK, "DELETE", one, nil, nil)
	d.writes(a, keywords+" deleted", single[0])
	keptFor(t, a.Data(t), 14)
	a = c.Do(http.StatusOK, "POST", "planner/keywords/bulk_delete/", map[string]any{"ids": many[:3], "reason": "too vague"}, nil)
	d.writes(a, keywords+" deleted", bulk(t, a, http.StatusOK)...)
	token["X-Consistency-Token"] = a.Header.Get("X-Consistency-Token")
	counts(t, list("deleted=only"), 4)
	counts(t, list(""), 101)
	counts(t, list("deleted=with"), 105)
	c.Do(http.StatusNotFound, "GET", one, nil, token)

	a = c.Do(http.StatusOK, "POST", one+"restore/", nil, nil)
	d.writes(a, keywords+" restored", single[0])
	if a.Data(t).DeletedAt != nil || *a.Data(t).Volume != 7 {
		t.Errorf("it comes back as %s", a)
	}

	a = c.Do(http.StatusOK, "PATCH", "account/settings/", map[string]any{"retention_days": 3}, nil)
	d.writes(a, "tenancy.account settings_changed", c.Account)
	a = c.Do(http.StatusOK, "DELETE", "planner/keywords/"+single[1]+"/", nil, nil)
	d.writes(a, keywords+" deleted", single[1])
	keptFor(t, a.Data(t), 3)
	token["X-Consistency-Token"] = a.Header.Get("X-Consistency-Token")
	for _, deleted := range list("deleted=only").Results {
		if deleted.ID == single[1] {
			keptFor(t, deleted, 3)
			continue
		}
		keptFor(t, deleted, 14) // what was deleted before keeps its window
	}

	d.compare(feed(t, c, 7)[len(first):])
}

func bulk(t *testing.T, a e2etest.Answer, status int) []string {
	t.Helper()
	var ids []string
	for n, item := range a.Items(t) {
		if item.Index != n || item.Status != status {
			t.Fatalf("item %d: %+v", n, item)
		}
		ids = append(ids, item.Data.ID)
	}
	return ids
}

func counts(t *testing.T, l e2etest.List, want int) {
	t.Helper()
	if l.Count == nil || *l.Count != want {
		t.Errorf("the list has %v rows, want %d", l.Count, want)
	}
}

// pages follows next to the end and previous back to the beginning, and wants
// every row once each way.
func pages(t *testing.T, c *e2etest.Client, path string, wantPages, wantRows int) {
	t.Helper()
	var forth []string
	l := c.Get(path).List(t)
	for n := 1; ; n++ {
		for _, row := range l.Results {
			if slices.Contains(forth, row.ID) {
				t.Errorf("%s: %s comes twice", path, row.Keyword)
			}
			forth = append(forth, row.ID)
		}
		if l.Next == nil {
			if n != wantPages || len(forth) != wantRows {
				t.Errorf("%s: %d rows on %d pages", path, len(forth), n)
			}
			break
		}
		l = c.Get(*l.Next).List(t)
	}
	for back := len(forth); ; {
		back -= len(l.Results)
		for n, row := range l.Results {
			if forth[back+n] != row.ID {
				t.Fatalf("%s: on the way back row %d is another one", path, back+n)
			}
		}
		if l.Previous == nil {
			if back != 0 {
				t.Errorf("%s: previous ends %d rows early", path, back)
			}
			return
		}
		l = c.Get(*l.Previous).List(t)
	}
}

// keptFor wants a deletion that can be undone for so many days.
func keptFor(t *testing.T, r e2etest.Resource, days int) {
	t.Helper()
	if r.DeletedAt == nil || r.PurgeAfter == nil {
		t.Fatalf("it is not deleted: %+v", r)
	}
	if want := r.DeletedAt.AddDate(0, 0, days); r.PurgeAfter.Sub(want).Abs() > time.Minute {
		t.Errorf("deleted at %s it is kept until %s, want %s", r.DeletedAt, r.PurgeAfter, want)
	}
}

// compare wants each event once, those of different requests in order.
func (d *diary) compare(events []e2etest.Event) {
	d.t.Helper()
	var last int64
	got := make([]page, len(events))
	seen := map[string]bool{}
	for n, e := range events {
		if e.Position <= last || seen[e.ID] {
			d.t.Errorf("event %s at position %d comes after position %d", e.ID, e.Position, last)
		}
		last, seen[e.ID] = e.Position, true
		got[n] = page{e.Type, e.Subject, e.RequestID}
	}
	byRequest := func(pages []page) []page {
		order := map[string]int{}
		for _, p := range pages {
			if _, ok := order[p.request]; !ok {
				order[p.request] = len(order)
			}
		}
		sorted := slices.Clone(pages)
		slices.SortFunc(sorted, func(a, b page) int {
			if a.request != b.request {
				return order[a.request] - order[b.request]
			}
			return strings.Compare(a.subject, b.subject) // items of one request have no order
		})
		return sorted
	}
	want, have := byRequest(d.pages), byRequest(got)
	if slices.Equal(want, have) {
		return
	}
	for n := range max(len(want), len(have)) {
		if n >= len(want) || n >= len(have) || want[n] != have[n] {
			d.t.Fatalf("%d events, want %d; number %d differs:\n%v\n%v", len(have), len(want), n, at(have, n), at(want, n))
		}
	}
}

func at(pages []page, n int) any {
	if n < len(pages) {
		return pages[n]
	}
	return "none"
}
