package readapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi/system"
)

func TestTheFeedTellsAnAccountEverythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.want(w.do("POST", "test/widgets/", `{"name":"lamp","maker":"Ann"}`), 201, "")
	w.made("foreign", as("admin@bob"))
	at := "test/widgets/" + made.id() + "/"
	w.want(w.do("PATCH", at, `{"size":2}`), 200, "")
	w.want(w.do("DELETE", at, ""), 200, "")

	all := w.want(w.do("GET", "system/events/", "", as("viewer@ann")), 200, "")
	var types []string
	for _, e := range all.results() {
		types = append(types, text(e["type"]))
	}
	if got := strings.Join(types, " "); got != "igny8.test.widget.made.v1 igny8.test.widget.changed.v1 igny8.test.widget.deleted.v1" {
		t.Fatalf("types: %s", got)
	}
	first := all.results()[0]
	data, _ := first["data"].(map[string]any)
	if data["maker"] != "Ann" || data["name"] != "lamp" {
		t.Errorf("data: %v", data)
	}
	for name, want := range map[string]string{
		"specversion": "1.0", "source": "/accounts/" + w.ann.String(), "subject": "test.widget/" + made.id(),
		"accountid": w.ann.String(), "requestid": text(made.body["request_id"]), "revision": "1", "position": "1",
	} {
		if got := fmt.Sprint(first[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, there := first["siteid"]; there {
		t.Errorf("a site from nowhere: %s", all.raw)
	}

	var seen []string
	cursor := ""
	for range 4 {
		page := w.want(w.do("GET", "system/events/?limit=1&after="+url.QueryEscape(cursor), ""), 200, "")
		for _, e := range page.results() {
			seen = append(seen, text(e["id"]))
		}
		cursor = text(page.body["cursor"])
	}
	if len(seen) != 3 {
		t.Errorf("one by one: %v", seen)
	}
	idle := w.want(w.do("GET", "system/events/?after="+cursor, ""), 200, "")
	if len(idle.results()) != 0 || !strings.Contains(string(idle.raw), `"results":[]`) {
		t.Errorf("after the end: %s", idle.raw)
	}
	w.want(w.do("PATCH", at, `{"size":2}`), 404, "")
	restored := w.want(w.do("POST", at+"restore/", ""), 200, "")
	more := w.want(w.do("GET", "system/events/?after="+text(idle.body["cursor"]), "", fresh(restored)), 200, "")
	if len(more.results()) != 1 {
		t.Errorf("then: %s", more.raw)
	}
}

func TestTheFeedFiltersAndRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	w.want(w.do("DELETE", "test/widgets/"+made.id()+"/", ""), 200, "")
	for types, want := range map[string]int{
		"igny8.test.widget.deleted.v1": 1, "test.widget.*": 2, "igny8.*": 2, "other.*": 0, "other.x.v1,igny8.test.widget.made.v1": 1,
	} {
		if a := w.want(w.do("GET", "system/events/?types="+types, ""), 200, ""); len(a.results()) != want {
			t.Errorf("%s: %s", types, a.raw)
		}
	}
	cursor := text(w.do("GET", "system/events/", "").body["cursor"])
	w.want(w.do("GET", "system/events/?after="+cursor, "", as("admin@bob")), 404, "invalid_cursor")
	w.want(w.do("GET", "system/events/?after=nonsense", ""), 404, "invalid_cursor")
	for _, bad := range []string{"limit=0", "limit=x", "types=%25", "types=a'b", "site_id=7"} {
		w.want(w.do("GET", "system/events/?"+bad, ""), 400, "invalid")
	}
	if a := w.want(w.do("GET", "system/events/?site_id="+w.bob.String(), ""), 200, ""); len(a.results()) != 0 {
		t.Errorf("of another site: %s", a.raw)
	}
}

func TestPurgedEventsKeepTheirEnvelope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	var id es.ID
	if err := id.UnmarshalText([]byte(made.id())); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Purge(t.Context(), es.StreamID{Account: w.ann, Kind: "test.widget", ID: id}, 1); err != nil {
		t.Fatal(err)
	}
	a := w.want(w.do("GET", "system/events/", ""), 200, "")
	if !strings.Contains(string(a.raw), `"data":null`) || strings.Contains(string(a.raw), "lamp") || a.results()[0]["subject"] != "test.widget/"+made.id() {
		t.Errorf("%s", a.raw)
	}
}

func TestReadinessNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := errors.New("connection refused to host secret")
	system.MountHealth(w.api, slog.New(slog.NewTextHandler(w.logs, nil)),
		system.Check{Name: "fine", Func: func(context.Context) error { return nil }},
		system.Check{Name: "postgres", Func: func(context.Context) error { return bad }},
		system.Check{Name: "projections", Func: func(context.Context) error {
			return es.Refuse(es.Unavailable, "", "planner_keywords is parked for 1 account.")
		}})
	w.want(w.do("GET", "/livez", ""), 200, "")
	a := w.want(w.do("GET", "/readyz", ""), 503, "not_ready")
	if a.field("postgres") != "It does not work." || a.field("projections") != "planner_keywords is parked for 1 account." || a.field("fine") != "" {
		t.Errorf("%s", a.raw)
	}
	if strings.Contains(string(a.raw), "secret") || !strings.Contains(w.logs.String(), "connection refused") {
		t.Errorf("told %s, logged %s", a.raw, w.logs)
	}
	w.want(w.do("GET", "system/health/", ""), 503, "not_ready")
}

func TestWhatHurtsSomeAccountsOnlyKeepsTheProcessReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	system.MountHealth(w.api, slog.New(slog.NewTextHandler(w.logs, nil)),
		system.Check{Name: "parked", Degrades: true, Func: func(context.Context) error {
			return es.Refuse(es.Unavailable, "", "One account is parked.")
		}})
	a := w.want(w.do("GET", "/readyz", ""), 200, "")
	if a.data()["status"] != "degraded" || !strings.Contains(string(a.raw), `"parked":["One account is parked."]`) {
		t.Errorf("%s", a.raw)
	}
}
