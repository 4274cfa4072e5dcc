package e2etest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// bad is a request that must be refused.
type bad struct {
	name         string
	who          *e2etest.Client // the victim itself if nil
	method, path string
	body         any
	header       e2etest.Header
	status       int
	code         string
	field        string // the one that is named
}

func TestBadInputIsRefusedAsTheContractSaysAndChangesNothing(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c, other := i.SignUp(t, "victim"), i.SignUp(t, "stranger")
	create := func(c *e2etest.Client, path string, body map[string]any) e2etest.Resource {
		t.Helper()
		return c.Do(http.StatusCreated, "POST", path, body, nil).Data(t)
	}
	plant := func(c *e2etest.Client) (site, sector e2etest.Resource) {
		site = create(c, "auth/sites/", map[string]any{"name": "S", "domain": "s.example.com", "industry": "technology-software"})
		return site, create(c, "auth/sectors/", map[string]any{"site_id": site.ID, "name": "A"})
	}
	site, sector := plant(c)
	site2, sector2 := plant(other)
	keyword := create(c, "planner/keywords/", map[string]any{"site_id": site.ID, "sector_id": sector.ID, "keyword": "crm"})
	create(c, "planner/keywords/", map[string]any{"site_id": site.ID, "sector_id": sector.ID, "keyword": "erp"})
	one := "planner/keywords/" + keyword.ID + "/"
	c.Do(http.StatusOK, "PATCH", one, map[string]any{"volume": 1}, e2etest.Key("used"))
	page := c.Get("planner/keywords/?cursor=&page_size=1").List(t)
	foreignToken := e2etest.Header{"X-Consistency-Token": other.Get("planner/keywords/").Header.Get("X-Consistency-Token")}
	_, feedCursor := c.Get("system/events/").Events(t)
	const random = "01920000-0000-7000-8000-000000000000"

	fields := func(more ...any) map[string]any {
		body := map[string]any{"site_id": site.ID, "sector_id": sector.ID, "keyword": "new"}
		for n := 0; n < len(more); n += 2 {
			body[more[n].(string)] = more[n+1]
		}
		return body
	}
	text := func(keyword string) string {
		return fmt.Sprintf(`{"site_id":%q,"sector_id":%q,"keyword":"%s"}`, site.ID, sector.ID, keyword)
	}
	create(c, "planner/keywords/", fields("keyword", "whole \U0001F600")) // and so sent as a pair, below
	c.Do(http.StatusConflict, "POST", "planner/keywords/", text(`whole \ud83d\ude00`), nil)
	const keywords = "planner/keywords/"
	nobody, liar := i.Nobody(t), i.Nobody(t)
	liar.Access = c.Access[:len(c.Access)-4] + "AAAA"

	for _, b := range []bad{
		{name: "no JSON", method: "POST", path: keywords, body: `{"site_id":`, status: 400, code: "malformed"},
		{name: "an empty body", method: "POST", path: keywords, body: ``, status: 400, code: "invalid"},
		{name: "a list for an object", method: "POST", path: keywords, body: `[]`, status: 400, code: "invalid"},
		{name: "two values", method: "POST", path: keywords, body: text("new") + text("new"), status: 400, code: "malformed"},
		{name: "a field twice", method: "POST", path: keywords, body: `{"keyword":"a","keyword":"b"}`, status: 400, code: "malformed"},
		{name: "an unknown field", method: "POST", path: keywords, body: fields("volumes", 3), status: 400, code: "invalid", field: "volumes"},
		{name: "a field in capitals", method: "POST", path: keywords, body: fields("VOLUME", 3), status: 400, code: "invalid", field: "VOLUME"},
		{name: "a missing field", method: "POST", path: keywords, body: map[string]any{"site_id": site.ID, "sector_id": sector.ID}, status: 400, code: "invalid", field: "keyword"},
		{name: "text for a number", method: "POST", path: keywords, body: fields("volume", "many"), status: 400, code: "invalid", field: "volume"},
		{name: "a fraction", method: "POST", path: keywords, body: fields("volume", 1.5), status: 400, code: "invalid", field: "volume"},
		{name: "a number too big", method: "POST", path: keywords, body: strings.Replace(text("new"), "{", `{"volume":99999999999999999999,`, 1), status: 400, code: "invalid", field: "volume"},
		{name: "a number for text", method: "POST", path: keywords, body: fields("keyword", 1), status: 400, code: "invalid", field: "keyword"},
		{name: "null for text", method: "POST", path: keywords, body: fields("keyword", nil), status: 400, code: "invalid", field: "keyword"},
		{name: "NUL", method: "POST", path: keywords, body: text(`a\u0000b`), status: 400, code: "malformed"},
		{name: "invalid UTF-8", method: "POST", path: keywords, body: text("\xff\xfe"), status: 400, code: "malformed"},
		{name: "half a surrogate", method: "POST", path: keywords, body: text(`\ud800`), status: 400, code: "malformed"},
		{name: "the second half alone", method: "POST", path: keywords, body: text(`\\\udc00\u0041`), status: 400, code: "malformed"},
		{name: "an endless keyword", method: "POST", path: keywords, body: fields("keyword", strings.Repeat("x", 256)), status: 400, code: "invalid", field: "keyword"},
		{name: "an id that is none", method: "POST", path: keywords, body: fields("sector_id", "1"), status: 400, code: "invalid", field: "sector_id"},
		{name: "a deep body", method: "POST", path: keywords, body: strings.Repeat("[", 100_000), status: 400, code: "malformed"},
		{name: "11 MB", method: "POST", path: keywords, body: text(strings.Repeat("x", 11<<20)), status: 413, code: "too_large"},
		{name: "another media type", method: "POST", path: keywords, body: text("new"), header: e2etest.Header{"Content-Type": "text/xml"}, status: 415},
		{name: "too many", method: "POST", path: keywords + "bulk_create/", body: map[string]any{"items": slices.Repeat([]any{fields()}, 101)}, status: 400, code: "invalid"},
		{name: "none at all", method: "POST", path: keywords + "bulk_create/", body: map[string]any{"items": []any{}}, status: 400, code: "invalid"},

		{name: "a random sector", method: "POST", path: keywords, body: fields("sector_id", random), status: 400},
		{name: "another account's sector", method: "POST", path: keywords, body: fields("sector_id", sector2.ID), status: 400},
		{name: "another account's site", method: "POST", path: keywords, body: fields("site_id", site2.ID, "sector_id", sector2.ID), status: 400},
		{name: "a sector of another account's site", method: "POST", path: keywords, body: fields("site_id", site2.ID), status: 400},
		{name: "a site for a sector", method: "POST", path: keywords, body: fields("sector_id", site.ID), status: 400},
		{name: "what is taken", method: "POST", path: keywords, body: fields("keyword", " ERP "), status: 409, code: "taken", field: "keyword"},
		{name: "a change to what is taken", method: "PATCH", path: one, body: map[string]any{"keyword": "erp"}, status: 409, code: "taken"},
		{name: "an id with other fields", method: "POST", path: keywords, body: fields("id", keyword.ID), status: 409},

		{name: "an id that is none in the path", method: "GET", path: keywords + "1/", status: 404, code: "not_found"},
		{name: "a random id", method: "GET", path: keywords + random + "/", status: 404, code: "not_found"},
		{name: "a stranger's read", who: other, method: "GET", path: one, status: 404, code: "not_found"},
		{name: "a stranger's change", who: other, method: "PATCH", path: one, body: map[string]any{"volume": 5}, status: 404, code: "not_found"},
		{name: "a stranger's delete", who: other, method: "DELETE", path: one, status: 404, code: "not_found"},
		{name: "a stranger's restore", who: other, method: "POST", path: one + "restore/", status: 404, code: "not_found"},
		{name: "a stranger's delete of the site", who: other, method: "DELETE", path: "auth/sites/" + site.ID + "/", status: 404, code: "not_found"},

		{name: "a stale If-Match", method: "PATCH", path: one, body: map[string]any{"volume": 5}, header: e2etest.Header{"If-Match": `"1"`}, status: 412, code: "precondition"},
		{name: "a stale If-Match of a delete", method: "DELETE", path: one, header: e2etest.Header{"If-Match": `"1.1"`}, status: 412, code: "precondition"},
		{name: "an If-Match that is none", method: "PATCH", path: one, body: map[string]any{"volume": 5}, header: e2etest.Header{"If-Match": "yes"}, status: 400},
		{name: "a key with another body", method: "PATCH", path: one, body: map[string]any{"volume": 2}, header: e2etest.Key("used"), status: 422, code: "idempotency_key_reused"},
		{name: "a key for another route", method: "DELETE", path: one, header: e2etest.Key("used"), status: 422, code: "idempotency_key_reused"},
		{name: "an endless key", method: "PATCH", path: one, body: map[string]any{"volume": 2}, header: e2etest.Key(strings.Repeat("k", 256)), status: 400},

		{name: "a cursor that is none", method: "GET", path: keywords + "?cursor=abc", status: 404, code: "invalid_cursor"},
		{name: "a stranger's cursor", who: other, method: "GET", path: *page.Next, status: 404, code: "invalid_cursor"},
		{name: "a cursor of another list", method: "GET", path: strings.Replace(*page.Next, "keywords", "clusters", 1), status: 404, code: "invalid_cursor"},
		{name: "a cursor of another search", method: "GET", path: *page.Next + "&search=crm", status: 404, code: "invalid_cursor"},
		{name: "a cursor of the feed that is none", method: "GET", path: "system/events/?after=abc", status: 404, code: "invalid_cursor"},
		{name: "a stranger's cursor of the feed", who: other, method: "GET", path: "system/events/?after=" + feedCursor, status: 404, code: "invalid_cursor"},
		{name: "a token that is none", method: "GET", path: keywords, header: e2etest.Header{"X-Consistency-Token": "abc"}, status: 400},
		{name: "a stranger's token", method: "GET", path: keywords, header: foreignToken, status: 400},
		{name: "a page that is none", method: "GET", path: keywords + "?page=0", status: 404, code: "invalid_page"},
		{name: "a page past the end", method: "GET", path: keywords + "?page=3", status: 404, code: "invalid_page"},
		{name: "a filter's bad value", method: "GET", path: keywords + "?volume__gte=many", status: 400, field: "volume__gte"},
		{name: "an unknown field asked for", method: "GET", path: keywords + "?fields=secret", status: 400},
		{name: "NUL in the query", method: "GET", path: keywords + "?search=%00", status: 400},
		{name: "invalid UTF-8 in the query", method: "GET", path: keywords + "?search=%ff", status: 400},
		{name: "NUL in the path", method: "GET", path: keywords + "%00/", status: 400},

		{name: "a second site on the free plan", method: "POST", path: "auth/sites/", body: map[string]any{"name": "T", "domain": "t.example.com", "industry": "technology-software"}, status: 402, code: "plan_limit"},
		{name: "an unknown industry", method: "PATCH", path: "auth/sites/" + site.ID + "/", body: map[string]any{"industry": "alchemy"}, status: 400, field: "industry"},
		{name: "no retention at all", method: "PATCH", path: "account/settings/", body: map[string]any{"retention_days": 0}, status: 400, field: "retention_days"},
		{name: "endless retention", method: "PATCH", path: "account/settings/", body: map[string]any{"retention_days": 366}, status: 400, field: "retention_days"},

		{name: "no credentials", who: nobody, method: "GET", path: keywords, status: 401},
		{name: "a changed token", who: liar, method: "GET", path: keywords, status: 401},
		{name: "a wrong password", who: nobody, method: "POST", path: "auth/login/", body: map[string]any{"email": c.Email, "password": other.Password}, status: 401},
		{name: "a refresh token that is none", who: nobody, method: "POST", path: "auth/refresh/", body: map[string]any{"refresh_token": "abc"}, status: 401},
		{name: "an address that somebody has", who: nobody, method: "POST", path: "auth/register/", body: map[string]any{"email": strings.ToUpper(c.Email), "password": c.Password, "first_name": "V", "account_name": "V"}, status: 409, code: "taken"},
		{name: "a weak password", who: nobody, method: "POST", path: "auth/register/", body: map[string]any{"email": "weak@example.org", "password": "weak", "first_name": "V", "account_name": "V"}, status: 400, field: "password"},
		{name: "an unknown plan", who: nobody, method: "POST", path: "auth/register/", body: map[string]any{"email": "rich@example.org", "password": "correct horse", "first_name": "V", "account_name": "V", "plan_slug": "internal"}, status: 400, field: "plan_slug"},

		{name: "an unknown route", method: "GET", path: "planner/nothing/", status: 404, code: "not_found"},
		{name: "a method that is not allowed", method: "PUT", path: keywords, body: fields(), status: 405, code: "method_not_allowed"},
	} {
		t.Run(b.name, func(t *testing.T) { b.refused(t, c) })
	}

	if out := i.Run("events", "pull", "--limit=0", "--json"); strings.Count(out.Stdout, `"stream":"identity.user-`) != 2 {
		t.Errorf("of what was refused there are people: %s", out.Stdout)
	}
}

// refused sends it and wants the error's envelope, and not one event more in
// anybody's history.
func (b bad) refused(t *testing.T, victim *e2etest.Client) {
	who := victim
	if b.who != nil {
		who = b.who
	}
	before, _ := victim.Get("system/events/?limit=1000&types=" + asked).Events(t)
	a, err := who.Send(b.method, b.path, b.body, b.header)
	if err != nil {
		t.Fatal(err)
	}
	a.Expect(t, b.status)
	if b.code != "" && a.Code() != b.code {
		t.Errorf("the code is %q, want %q: %s", a.Code(), b.code, a)
	}
	if a.Code() == "" || a.RequestID(t) == "" || a.RequestID(t) != a.Header.Get("X-Request-ID") {
		t.Errorf("that is no error of the contract: %s", a)
	}
	if _, named := a.Errors(t)[b.field]; b.field != "" && !named {
		t.Errorf("the field %s is not named: %s", b.field, a)
	}
	if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (b.status == http.StatusUnauthorized) {
		t.Errorf("WWW-Authenticate is %q", challenge)
	}
	for _, internal := range []string{"SQLSTATE", "pgx", ".go:", "goroutine", "sql:"} {
		if strings.Contains(string(a.Body), internal) {
			t.Errorf("it tells of its inside: %s", a)
		}
	}
	if after, _ := victim.Get("system/events/?limit=1000&types=" + asked).Events(t); len(after) != len(before) {
		t.Errorf("refused, it changed something: %+v", after[len(before):])
	}
}

func TestAMissingObjectAndAStrangersAreTheSameByteForByte(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c, other := i.SignUp(t, "owner"), i.SignUp(t, "stranger")
	site := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]any{"name": "S", "domain": "s.example.com", "industry": "technology-software"}, nil).Data(t)
	const random = "01920000-0000-7000-8000-000000000000"
	for _, ask := range []struct{ method, path string }{
		{"GET", "auth/sites/%s/"}, {"PATCH", "auth/sites/%s/"}, {"DELETE", "auth/sites/%s/"}, {"POST", "auth/sites/%s/restore/"}, {"GET", "auth/sites/%s/sectors/"},
	} {
		var answers []string
		for _, id := range []string{site.ID, random} {
			var body any
			if ask.method == "PATCH" {
				body = map[string]string{"name": "T"}
			}
			a := other.Do(http.StatusNotFound, ask.method, fmt.Sprintf(ask.path, id), body, e2etest.Header{"X-Request-ID": "same"})
			answers = append(answers, string(a.Body))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s %s tells them apart:\n%s\n%s", ask.method, ask.path, answers[0], answers[1])
		}
	}
}

func TestThePlansLastPlaceGoesToOneOfManyWhoWantIt(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c := i.SignUp(t, "hurried")
	var created sync.WaitGroup
	statuses := make([]int, 8)
	for n := range statuses {
		created.Go(func() {
			a, err := c.Send("POST", "auth/sites/", map[string]any{"name": fmt.Sprint(n), "domain": "s.example.com", "industry": "technology-software"}, nil)
			if err != nil {
				t.Error(err)
			}
			statuses[n] = a.Status
		})
	}
	created.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusCreated || statuses[1] != http.StatusPaymentRequired || statuses[7] != http.StatusPaymentRequired {
		t.Errorf("of 8 creates at the plan's limit of one: %v", statuses)
	}
}
