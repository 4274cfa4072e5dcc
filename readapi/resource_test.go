package readapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/readapi"
)

func TestAResourceIsCreatedReadChangedDeletedAndRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	made := w.want(w.do("POST", "test/widgets/", `{"name":"lamp","size":3,"maker":"Ann"}`), 201, "")
	at := "/api/v1/test/widgets/" + made.id() + "/"
	if made.Header.Get("Location") != at || made.Header.Get("ETag") != `"1"` || made.body["success"] != true ||
		made.data()["maker"] != "Ann" || made.body["request_id"] != made.Header.Get("X-Request-ID") {
		t.Fatalf("created: %v %s", made.Header, made.raw)
	}

	read := w.want(w.do("GET", at, "", fresh(made)), 200, "")
	if string(read.raw[:20]) != string(made.raw[:20]) || fmt.Sprint(read.data()) != fmt.Sprint(made.data()) {
		t.Fatalf("read %v, created %v", read.data(), made.data())
	}
	if tag := read.Header.Get("ETag"); tag != `"1.1"` {
		t.Fatalf("ETag of a read: %s", tag)
	}

	changed := w.want(w.do("PATCH", at, `{"size":null}`, head("If-Match", read.Header.Get("ETag"))), 200, "")
	if changed.data()["size"] != nil || changed.data()["name"] != "lamp" || changed.Header.Get("ETag") != `"2"` {
		t.Fatalf("changed: %s", changed.raw)
	}

	deleted := w.want(w.do("DELETE", at+"?reason=old", ""), 200, "")
	if deleted.data()["deleted_at"] == nil || deleted.data()["delete_reason"] != "old" {
		t.Fatalf("deleted: %s", deleted.raw)
	}
	w.want(w.do("GET", at, "", fresh(deleted)), 404, "not_found")
	w.want(w.do("GET", at+"?deleted=with", "", fresh(deleted)), 200, "")
	w.want(w.do("GET", "test/widgets/?deleted=only", "", as("viewer@ann")), 403, "forbidden")

	restored := w.want(w.do("POST", at+"restore/", ""), 200, "")
	if restored.data()["deleted_at"] != nil {
		t.Fatalf("restored: %s", restored.raw)
	}
	w.want(w.do("GET", at, "", fresh(restored)), 200, "")
}

func TestBothFormsOfAPathAnswerTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	for _, path := range []string{"test/widgets", "test/widgets/", "test/widgets/" + made.id(), "test/widgets/" + made.id() + "/"} {
		w.want(w.do("GET", path, "", fresh(made)), 200, "")
		if a := w.want(w.do("HEAD", path, "", fresh(made)), 200, ""); a.Header.Get("X-Request-ID") == "" {
			t.Errorf("HEAD %s: %v", path, a.Header)
		}
	}
}

func TestTheSameCreateUnderAChosenIDAnswersTheResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"id":"01890000-0000-7000-8000-000000000001","name":"lamp"}`
	w.want(w.do("POST", "test/widgets/", body), 201, "")
	again := w.want(w.do("POST", "test/widgets/", body), 200, "")
	if again.data()["revision"] != 1.0 || again.Header.Get("X-Consistency-Token") == "" {
		t.Fatalf("again: %s", again.raw)
	}
	w.want(w.do("POST", "test/widgets/", strings.Replace(body, "lamp", "desk", 1)), 409, "")
	w.want(w.do("POST", "test/widgets/", body, as("admin@bob")), 201, "")
}

func TestWhatIsNotThereAndWhatIsAnothersAnswerAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	for _, form := range []string{"urn:uuid:" + made.id(), "{" + made.id() + "}", strings.ReplaceAll(made.id(), "-", "")} {
		w.want(w.do("GET", "test/widgets/"+form+"/", "", fresh(made)), 404, "not_found")
	}
	plain := func(a *answer) string {
		return strings.ReplaceAll(string(a.raw), a.Header.Get("X-Request-ID"), "")
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		body := ""
		if method == "PATCH" {
			body = `{"name":"x"}`
		}
		var first string
		for _, id := range []string{made.id(), "01890000-0000-7000-8000-000000000009", "nonsense", "..", "urn:uuid:" + made.id(), "%00"} {
			a := w.want(w.do(method, "test/widgets/"+id+"/", body, as("admin@bob")), 404, "not_found")
			if first == "" {
				first = plain(a)
			}
			if plain(a) != first {
				t.Errorf("%s %s: %s, want %s", method, id, plain(a), first)
			}
		}
	}
}

func TestListsPageOrderSearchFilterAndTrim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last *answer
	for i := range 12 {
		last = w.want(w.do("POST", "test/widgets/", fmt.Sprintf(`{"name":"lamp %02d","size":%d}`, i, i)), 201, "")
	}
	w.made("desk", as("admin@bob"))

	page := w.want(w.do("GET", "test/widgets/?ordering=-size&page_size=5&nonsense=1", "", fresh(last)), 200, "")
	if page.body["count"] != 12.0 || len(page.results()) != 5 || page.results()[0]["name"] != "lamp 11" || page.body["previous"] != nil {
		t.Fatalf("page 1: %s", page.raw)
	}
	if next := text(page.body["next"]); next != "http://example.com/api/v1/test/widgets/?nonsense=1&ordering=-size&page=2&page_size=5" {
		t.Fatalf("next: %s", next)
	}
	w.want(w.do("GET", "test/widgets/?page=4&page_size=5", ""), 404, "invalid_page")
	w.want(w.do("GET", "test/widgets/?page=0", ""), 404, "invalid_page")
	for _, bad := range []string{"size__gte=x", "deleted=maybe", "fields=name,nope", "id=7"} {
		if a := w.want(w.do("GET", "test/widgets/?"+bad, ""), 400, "invalid"); a.body["errors"] == nil {
			t.Errorf("%s: %s", bad, a.raw)
		}
	}
	if a := w.want(w.do("GET", "test/widgets/?page_size=1000", ""), 200, ""); len(a.results()) != 12 {
		t.Fatalf("a large page: %s", a.raw)
	}
	if a := w.want(w.do("GET", `test/widgets/?search=LAMP+%2207%22&size__gte=3&size__in=7,8`, ""), 200, ""); a.body["count"] != 1.0 {
		t.Fatalf("searched: %s", a.raw)
	}
	if a := w.want(w.do("GET", "test/widgets/?fields=name,size&page_size=1&ordering=size", ""), 200, ""); !strings.Contains(string(a.raw), `"results":[{"name":"lamp 00","size":0}]`) {
		t.Fatalf("trimmed: %s", a.raw)
	}
}

func TestCursorsReachEveryRowAndBelongToTheirList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last *answer
	for i := range 7 {
		last = w.want(w.do("POST", "test/widgets/", fmt.Sprintf(`{"name":"n%d","size":1}`, i)), 201, "")
	}
	var seen []string
	path := "test/widgets/?cursor=&page_size=3&ordering=name&size=1"
	var second string
	for range 3 {
		a := w.want(w.do("GET", path, "", fresh(last)), 200, "")
		if a.body["count"] != nil {
			t.Fatalf("a count: %s", a.raw)
		}
		for _, row := range a.results() {
			seen = append(seen, text(row["name"]))
		}
		path = strings.TrimPrefix(text(a.body["next"]), "http://example.com")
		if second == "" {
			second = path
		}
	}
	if fmt.Sprint(seen) != "[n0 n1 n2 n3 n4 n5 n6]" || path != "" {
		t.Fatalf("saw %v, then %q", seen, path)
	}
	w.want(w.do("GET", second, "", as("admin@bob")), 404, "invalid_cursor")
	w.want(w.do("GET", strings.Replace(second, "ordering=name", "ordering=-name", 1), ""), 404, "invalid_cursor")
	w.want(w.do("GET", strings.Replace(second, "&size=1", "", 1), ""), 404, "invalid_cursor")
	w.want(w.do("GET", "test/widgets/?cursor=AAAA", ""), 404, "invalid_cursor")
	w.want(w.do("GET", "test/widgets/?cursor=%21", ""), 404, "invalid_cursor")
}

func TestETagsAreComparedByRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	at := "test/widgets/" + made.id() + "/"
	tag := w.want(w.do("GET", at, "", fresh(made)), 200, "").Header.Get("ETag")

	for _, same := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		a := w.want(w.do("GET", at, "", head("If-None-Match", same)), 304, "")
		if len(a.raw) != 0 || a.Header.Get("ETag") != tag {
			t.Errorf("304 for %s: %v %s", same, a.Header, a.raw)
		}
	}
	w.want(w.do("GET", at, "", head("If-None-Match", `"9.9"`)), 200, "")

	for _, stale := range []string{`"2"`, `"2.9"`, `W/"1"`, `"abc"`, `"+1"`, `"1.x"`, `"-1"`, `"99999999999999999999"`} {
		w.want(w.do("PATCH", at, `{"size":7}`, head("If-Match", stale)), 412, "")
	}
	for _, bad := range []string{"1", `"1", "2"`, `"`, ""} {
		w.want(w.do("PATCH", at, `{"size":7}`, head("If-Match", bad)), 400, "invalid")
	}
	w.want(w.do("PATCH", at, `{"size":1}`, head("If-Match", `"1.77"`)), 200, "")
	w.want(w.do("PATCH", at, `{"size":2}`, head("If-Match", `"2"`)), 200, "")
	w.want(w.do("PATCH", at, `{"size":3}`, head("If-Match", "*")), 200, "")

	guarded := "test/guarded/" + made.id() + "/"
	w.want(w.do("PATCH", guarded, `{"size":4}`), 428, "if_match_required")
	w.want(w.do("DELETE", guarded, ""), 428, "if_match_required")
	w.want(w.do("DELETE", guarded, "", head("If-Match", `"4"`)), 200, "")
}

func TestAReadWaitsForTheTokenOfAWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.made("lamp")
	a := w.want(w.do("GET", "test/widgets/", "", fresh(made), head("Prefer", "respond-async, wait=3")), 200, "")
	if a.body["count"] != 1.0 || a.Header.Get("X-Consistency-Token") == "" || a.Header.Get("Preference-Applied") != "wait=3" {
		t.Fatalf("%v %s", a.Header, a.raw)
	}
	w.want(w.do("GET", "test/widgets/", "", fresh(made), as("admin@bob")), 400, "invalid")
	w.want(w.do("GET", "test/widgets/", "", head("X-Consistency-Token", "nonsense")), 400, "invalid")
	w.want(w.do("GET", "test/widgets/", "", fresh(made), head("Prefer", "wait=soon")), 400, "invalid")
}

func TestADryRunTellsAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.want(w.do("POST", "test/widgets/?dry_run=true", `{"name":"lamp","maker":"Ann"}`, head("Idempotency-Key", "k")), 200, "")
	if a.data()["dry_run"] != true || !strings.Contains(string(a.raw), `"type":"test.widget.made.v1"`) || !strings.Contains(string(a.raw), `"name":"lamp"`) {
		t.Fatalf("%s", a.raw)
	}
	if head, _ := w.store.Head(t.Context()); head != 0 {
		t.Fatalf("%d events were written", head)
	}
	w.want(w.do("POST", "test/widgets/?dry_run=maybe", `{"name":"lamp"}`), 400, "invalid")
	w.want(w.do("POST", "test/login/?dry_run=true", `{"name":"ann"}`), 400, "invalid")
	w.want(w.do("POST", "test/widgets/", `{"name":"lamp"}`, head("Idempotency-Key", "k")), 201, "")
}

func TestItemsOfABulkRequestStandAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.want(w.do("POST", "test/widgets/bulk_create/", `{"items":[{"name":"a"},{"name":""},{"nome":"b"},7,{"name":"c","size":-1},{"name":"d","id":"x"},{"name":"e"}]}`), 200, "")
	var statuses []string
	for i, r := range a.results() {
		if r["index"] != float64(i) {
			t.Errorf("index %v at %d", r["index"], i)
		}
		statuses = append(statuses, fmt.Sprint(r["status"]))
	}
	if got := strings.Join(statuses, " "); got != "201 400 400 400 400 400 201" {
		t.Fatalf("statuses %s: %s", got, a.raw)
	}
	one, two := a.results()[0], a.results()[6]
	id := func(r map[string]any) string { data, _ := r["data"].(map[string]any); return text(data["id"]) }

	b := w.want(w.do("POST", "test/widgets/bulk_update/", fmt.Sprintf(`{"items":[{"id":%q,"size":5},{"id":%q,"size":null,"name":"f"},{"id":"x"},{"size":1},{"id":%q,"size":"big"}]}`, id(one), id(two), id(one))), 200, "")
	if !strings.Contains(string(b.raw), `"size":5`) || strings.Count(string(b.raw), `"status":200`) != 2 || strings.Count(string(b.raw), `"status":400`) != 3 {
		t.Fatalf("updated: %s", b.raw)
	}
	c := w.want(w.do("POST", "test/widgets/bulk_update/", fmt.Sprintf(`{"ids":[%q,%q,"01890000-0000-7000-8000-000000000009"],"size":9}`, id(one), id(two))), 200, "")
	if strings.Count(string(c.raw), `"size":9`) != 2 || c.results()[2]["status"] != 404.0 {
		t.Fatalf("updated alike: %s", c.raw)
	}
	d := w.want(w.do("POST", "test/widgets/bulk_delete/", fmt.Sprintf(`{"ids":[%q,%q],"reason":"old"}`, id(one), id(two))), 200, "")
	if strings.Count(string(d.raw), `"delete_reason":"old"`) != 2 {
		t.Fatalf("deleted: %s", d.raw)
	}
	if list := w.want(w.do("GET", "test/widgets/", "", fresh(d)), 200, ""); list.body["count"] != 0.0 {
		t.Fatalf("left: %s", list.raw)
	}
	for path, bodies := range map[string][]string{
		"bulk_create/": {`{}`, `{"items":[]}`, `{"items":{}}`, `{"items":[` + strings.Repeat(`{},`, 100) + `{}]}`, `[]`, `null`, `{"items":[{"name":"z"}],"more":1}`},
		"bulk_update/": {`{}`, `{"ids":[]}`, `{"ids":["x"],"nope":1}`},
		"bulk_delete/": {`{}`, `{"ids":"x"}`, `{"ids":["x"],"reason":7}`},
	} {
		for _, body := range bodies {
			w.want(w.do("POST", "test/widgets/"+path, body), 400, "invalid")
		}
	}
}

func TestAPanicFailsItsItemAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bus.before = func(_ context.Context, r commands.Request) error {
		if c, ok := r.Payload.(makeWidget); ok && c.Name == "b" {
			panic("secret of the panic")
		}
		return nil
	}
	a := w.want(w.do("POST", "test/widgets/bulk_create/", `{"items":[{"name":"a"},{"name":"b"},{"name":"c"}]}`), 200, "")
	if a.results()[0]["status"] != 201.0 || a.results()[1]["status"] != 500.0 || a.results()[2]["status"] != 201.0 {
		t.Errorf("%s", a.raw)
	}
	if strings.Contains(string(a.raw), "secret") || !strings.Contains(w.logs.String(), "secret of the panic") {
		t.Errorf("told %s, logged %s", a.raw, w.logs)
	}
}

func TestARepeatedBulkRequestCreatesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"items":[{"name":"a","maker":"Ann"},{"name":""}]}`
	first := w.want(w.do("POST", "test/widgets/bulk_create/", body, head("Idempotency-Key", "b")), 200, "")
	second := w.want(w.do("POST", "test/widgets/bulk_create/", body, head("Idempotency-Key", "b")), 200, "")
	if fmt.Sprint(first.results()) != fmt.Sprint(second.results()) || second.Header.Get("Idempotency-Replayed") != "true" {
		t.Fatalf("first %s, second %s", first.raw, second.raw)
	}
}

func TestRolesAreAskedForReadsAndWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.do("GET", "test/widgets/", "", as("system_bot@ann")), 403, "forbidden")
	w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, as("viewer@ann")), 403, "forbidden")
	w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, as("editor@ann")), 201, "")
	w.want(w.do("GET", "test/widgets/", "", as("admin@nobody")), 401, "bad_credentials")
	a := w.want(w.do("GET", "test/widgets/", "", func(r *http.Request) { r.Header.Del("Authorization") }), 401, "unauthorized")
	if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Fatalf("%v", a.Header)
	}
}

func TestLinksAreWhereClientsReachTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) {
		o.PublicURL = &url.URL{Scheme: "https", Host: "api.example.org", Path: "/igny8"}
	})
	w.made("one")
	w.made("two")
	last := w.made("three")
	page := w.want(w.do("GET", "test/widgets/?page_size=2", "", fresh(last)), 200, "")
	if next := text(page.body["next"]); next != "https://api.example.org/igny8/api/v1/test/widgets/?page=2&page_size=2" {
		t.Errorf("next is %s", next)
	}
}

func TestWhatCannotBeReachedIsUnavailableAndNotOurFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) {
		o.Unavailable = func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }
	})
	a := w.want(w.do("GET", "test/odd/error/", ""), 503, "unavailable")
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
}
