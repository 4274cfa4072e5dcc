package tenancy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/tenancy"
)

func (w *world) site(name string) *answer {
	w.Helper()
	return w.do("POST", "auth/sites/", fmt.Sprintf(`{"name":%q,"domain":"a.example","industry":"automotive"}`, name)).want(201, "")
}

func (w *world) sector(site, name string) *answer {
	w.Helper()
	return w.do("POST", "auth/sectors/", fmt.Sprintf(`{"site_id":%q,"name":%q}`, site, name)).want(201, "")
}

func (w *world) keyword(site, sector, text string) *answer {
	w.Helper()
	return w.do("POST", "planner/keywords/", fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":%q}`, site, sector, text)).want(201, "")
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestAnAccountsWorkGoesThroughEveryLayer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("Acme")
	cars := w.do("POST", "auth/sectors/", fmt.Sprintf(`{"site_id":%q,"industry_sector":"used-cars"}`, site.id())).want(201, "")
	own := w.sector(site.id(), "Our own")
	same(t, w.list("auth/sites/"+site.id()+"/sectors/", own).names("name"), "Our own", "Used cars")

	created := w.do("POST", "planner/keywords/", fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":" Buy  used cars","country":"us",
		"volume":900,"difficulty":30,"cpc":120,"intents":["transactional"]}`, site.id(), cars.id())).want(201, "")
	if created.data("keyword") != "Buy used cars" || created.data("status") != "new" || created.data("currency") != "USD" {
		t.Fatalf("created %s", created.raw)
	}
	bulk := w.do("POST", "planner/keywords/bulk_create/", fmt.Sprintf(`{"items":[
		{"site_id":%[1]q,"sector_id":%[2]q,"keyword":"old timers"},
		{"site_id":%[1]q,"sector_id":%[2]q,"keyword":"BUY used cars","country":"US"},
		{"site_id":%[1]q,"sector_id":%[3]q,"keyword":"buy used cars","country":"US"},
		{"site_id":%[1]q,"sector_id":%[2]q,"keyword":""}]}`, site.id(), cars.id(), own.id())).want(200, "")
	var statuses []string
	for _, r := range bulk.body["results"].([]any) {
		statuses = append(statuses, fmt.Sprint(r.(map[string]any)["status"]))
	}
	if !slices.Equal(statuses, []string{"201", "409", "201", "400"}) {
		t.Fatalf("bulk %s", bulk.raw)
	}
	one := w.list("planner/keywords/"+created.id()+"/", bulk)
	for field, value := range created.body["data"].(map[string]any) {
		if fmt.Sprint(one.data(field)) != fmt.Sprint(value) {
			t.Errorf("%s was answered as %v, and reads %v", field, value, one.data(field))
		}
	}
	same(t, w.list("planner/keywords/?search=used&volume__gte=1", bulk).names("keyword"), "Buy used cars")
	same(t, w.list("planner/keywords/?sector_id="+own.id(), bulk).names("keyword"), "buy used cars")
	same(t, w.list("planner/keywords/?intents=transactional", bulk).names("keyword"), "Buy used cars")

	path := "planner/keywords/" + created.id() + "/"
	w.do("PATCH", path, `{"volume":null,"difficulty":5}`, "If-Match", one.header.Get("ETag")).want(200, "")
	w.do("PATCH", path, `{"volume":1}`, "If-Match", one.header.Get("ETag")).want(412, "precondition")
	w.do("PATCH", path, `{"keyword":null}`).want(400, "invalid")

	gone := w.do("DELETE", path, "").want(200, "")
	same(t, w.list("planner/keywords/?country=US", gone).names("keyword"), "buy used cars")
	same(t, w.list("planner/keywords/?deleted=only", gone).names("keyword"), "Buy used cars")
	w.do("GET", "planner/keywords/?deleted=only", "", "Authorization", "Bearer editor@ann").want(403, "forbidden")
	back := w.do("POST", path+"restore/", "").want(200, "")
	same(t, w.list("planner/keywords/?country=US", back).names("keyword"), "Buy used cars", "buy used cars")
	w.same()
}

// same fails unless a rebuild of all tables gives the live rows.
func (w *world) same() {
	w.Helper()
	differences, err := w.admin.Compare(w.Context(), nil, nil)
	w.must(err)
	for _, d := range differences {
		w.Errorf("only %s has in %s: %s", d.Side, d.Table, d.Row)
	}
}

func TestASiteTakesWhatItHoldsAlongAndBringsItBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, other := w.site("Acme"), w.site("Other")
	one, two := w.sector(site.id(), "One"), w.sector(site.id(), "Two")
	for i := range 30 {
		w.keyword(site.id(), one.id(), fmt.Sprintf("one %02d", i))
	}
	single := w.keyword(site.id(), two.id(), "two")
	elsewhere := w.sector(other.id(), "Else")
	w.keyword(other.id(), elsewhere.id(), "elsewhere")
	w.do("DELETE", "planner/keywords/"+single.id()+"/", "").want(200, "")

	gone := w.do("DELETE", "auth/sites/"+site.id()+"/", "").want(200, "")
	same(t, w.list("planner/keywords/", gone).names("keyword"), "elsewhere")
	same(t, w.list("auth/sectors/", gone).names("name"), "Else")
	deleted := w.list("planner/keywords/?deleted=only&page_size=100&deletion_id="+fmt.Sprint(gone.data("deletion_id")), gone)
	if n := deleted.body["count"]; n != 31.0 {
		t.Errorf("%v keywords are deleted", n)
	}
	w.do("POST", "planner/keywords/", fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":"late"}`, site.id(), one.id())).want(400, "invalid")
	w.do("POST", "auth/sectors/"+one.id()+"/restore/", "").want(409, "parent_gone")

	back := w.do("POST", "auth/sites/"+site.id()+"/restore/", "").want(200, "")
	if n := w.list("planner/keywords/", back).body["count"]; n != 31.0 {
		t.Errorf("%v keywords live", n)
	}
	same(t, w.list("auth/sectors/", back).names("name"), "Else", "One", "Two")
	same(t, w.list("planner/keywords/?deleted=only", back).names("keyword"), "two")
	w.same()
}

func TestClustersLiveInTheirSector(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("Acme")
	sector := w.sector(site.id(), "One")
	body := fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"name":"Topic"}`, site.id(), sector.id())
	topic := w.do("POST", "planner/clusters/", body).want(201, "")
	w.do("POST", "planner/clusters/", body).want(409, "taken")
	changed := w.do("PATCH", "planner/clusters/"+topic.id()+"/", `{"description":"About it"}`).want(200, "")
	if got := w.list("planner/clusters/"+topic.id()+"/", changed).data("description"); got != "About it" {
		t.Errorf("described as %v", got)
	}
	gone := w.do("DELETE", "auth/sectors/"+sector.id()+"/", "").want(200, "")
	same(t, w.list("planner/clusters/", gone).names("name"))
	back := w.do("POST", "auth/sectors/"+sector.id()+"/restore/", "").want(200, "")
	same(t, w.list("planner/clusters/?search=topic", back).names("name"), "Topic")
	w.same()
}

func TestLimitsAreThePlansAndTheSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	w.site("b")
	w.do("POST", "auth/sites/", `{"name":"c","domain":"c.example","industry":"automotive"}`).want(402, "plan_limit")
	for i := range 5 {
		w.sector(site.id(), fmt.Sprint(i))
	}
	w.do("POST", "auth/sectors/", fmt.Sprintf(`{"site_id":%q,"name":"sixth"}`, site.id())).want(409, "limit_reached")
	w.do("POST", "auth/sectors/", fmt.Sprintf(`{"site_id":%q,"name":"4"}`, site.id())).want(409, "taken")
}

func TestSettingsAreReadAndChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changed := w.do("PATCH", "account/settings/", `{"retention_days":30,"timezone":"Europe/Berlin"}`).want(200, "")
	read := w.list("account/settings/", changed)
	for field, want := range map[string]any{
		"retention_days": 30.0, "timezone": "Europe/Berlin", "name": "Ann", "plan_slug": "starter", "slug": "ann", "status": "active",
	} {
		if changed.data(field) != want || read.data(field) != want {
			t.Errorf("%s was answered as %v and reads %v, want %v", field, changed.data(field), read.data(field), want)
		}
	}
	w.do("PATCH", "account/settings/", `{"name":"x"}`, "If-Match", `"1"`).want(412, "precondition")
	w.do("PATCH", "account/settings/", `{"name":"Ann's"}`, "If-Match", read.header.Get("ETag")).want(200, "")
	w.do("PATCH", "account/settings/", `{"retention_days":366}`).want(400, "invalid")
	w.do("PATCH", "account/settings/", `{"retention_days":null}`).want(400, "invalid")
	w.do("PATCH", "account/settings/", `{"owner_id":"x"}`).want(400, "invalid")
	w.do("PATCH", "account/settings/", `{"name":"x"}`, "Authorization", "Bearer editor@ann").want(403, "forbidden")
	w.do("PATCH", "account/settings/?dry_run=true", `{"name":"dry"}`).want(200, "")
	if name := w.list("account/settings/", changed).data("name"); name == "dry" {
		t.Error("a dry run changed the name")
	}
	site := w.site("a")
	gone := w.do("DELETE", "auth/sites/"+site.id()+"/", "").want(200, "")
	at, errAt := time.Parse(time.RFC3339, fmt.Sprint(gone.data("deleted_at")))
	after, errAfter := time.Parse(time.RFC3339, fmt.Sprint(gone.data("purge_after")))
	if errAt != nil || errAfter != nil || after.Sub(at) != 30*24*time.Hour {
		t.Errorf("deleted at %s, purged after %s", at, after)
	}
}

func TestPlansAndIndustriesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head, err := w.store.Head(t.Context())
	w.must(err)
	w.must(w.reader.WaitFor(t.Context(), []projections.Key{tenancy.Plans().Key()}, head))
	plans := w.do("GET", "auth/plans/", "", "Authorization", "").want(200, "")
	if got := plans.names("slug"); !slices.Equal(got, []string{"free", "starter", "growth", "scale"}) {
		t.Errorf("plans %v", got)
	}
	if got := w.do("GET", "auth/industries/", "").want(200, "").names("slug"); !slices.Contains(got, "automotive") {
		t.Errorf("industries %v", got)
	}
	w.do("GET", "auth/industries/", "", "Authorization", "").want(401, "unauthorized")
}

func TestAnotherAccountsThingsAreMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	sector := w.sector(site.id(), "s")
	word := w.keyword(site.id(), sector.id(), "k")
	bob := []string{"Authorization", "Bearer owner@bob"}
	random := commands.NewID().String()
	for _, id := range []string{site.id(), random} {
		w.do("GET", "auth/sites/"+id+"/", "", bob...).want(404, "not_found")
		w.do("GET", "auth/sites/"+id+"/sectors/", "", bob...).want(404, "not_found")
		w.do("DELETE", "auth/sites/"+id+"/", "", bob...).want(404, "not_found")
		w.do("POST", "auth/sectors/", fmt.Sprintf(`{"site_id":%q,"name":"x"}`, id), bob...).want(400, "invalid")
	}
	w.do("PATCH", "planner/keywords/"+word.id()+"/", `{"volume":1}`, bob...).want(404, "not_found")
	w.do("GET", "auth/sites/nonsense/sectors/", "").want(404, "not_found")
	w.do("POST", "planner/keywords/", fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":"x"}`, site.id(), site.id())).want(400, "invalid")
	w.do("POST", "planner/keywords/", fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":"a\u0000b"}`, site.id(), sector.id())).want(400, "malformed")
}
