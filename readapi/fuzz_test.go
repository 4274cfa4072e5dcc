package readapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections/table"
)

type fuzzed struct {
	table.Base
	Text string   `db:"text" json:"text" filter:"eq,in" sort:"true" search:"true"`
	N    *int64   `db:"n" json:"n" filter:"eq,in,gte,lte,isnull" sort:"true"`
	Many []string `db:"many" json:"many" filter:"eq"`
}

// FuzzQuery reads queries as a list does: whatever comes, it is a query or a
// refusal with a status below 500.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"page=2&page_size=5&ordering=-n,text", "search=%22a+b%22+c", "n__in=1,2,,x", "n__isnull=true", "cursor=&deleted=only",
		"fields=text,n", "page=99999999999999999999", "n=%00", "%zz", "a;b", "dry_run=true", "page_size=-1", "ordering=,,-,--n", "search=%22",
	} {
		f.Add(seed, `"1.2"`, "wait=3")
	}
	e := &edge{options: Options{MaxBody: 1}, signer: signer{make([]byte, 32)}}
	rows := table.New(table.Spec[fuzzed]{Name: "test_fuzzed", Version: 1, Kind: es.Kind[struct{ es.Entity }]{Name: "test.fuzzed"}})
	c := &collection[fuzzed]{resource: &resource{edge: e, path: "test/fuzzed"}, table: rows, fields: []string{"text", "n"}}
	f.Fuzz(func(t *testing.T, query, tag, prefer string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/test/fuzzed/", nil)
		r.URL.RawQuery = query
		r.Header["If-Match"], r.Header["If-None-Match"], r.Header["Prefer"] = []string{tag}, []string{tag}, []string{prefer}
		r.Header.Set(consistencyHeader, tag)
		call := &Call{Request: r, edge: e, route: &route{Route: Route{Method: http.MethodGet}}, header: http.Header{}}
		call.Principal.Actor.Role = es.Owner
		check := func(err error) {
			if err != nil && describe(err).status >= http.StatusInternalServerError {
				t.Errorf("%q: %v", query, err)
			}
		}
		if err := checkText(r); err != nil {
			check(err)
			return
		}
		check(call.read())
		noneMatch(r.Header, `"1.1"`)
		_, err := c.chosen(r.URL.Query())
		check(err)
		_, err = c.query(call)
		check(err)
	})
}

// FuzzJSON holds the check of bodies against the standard library: what passes
// is valid, and what is refused is invalid or one of the things we refuse.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":1,"a":2}`, `[{"a":{"a":[]}}]`, `{"a":"\u0000"}`, "\xff", `1 2`, `{"a":}`, ` `, `[1,]`, `{"a" 1}`, `"\ud800"`, `nul`, `{"a":{},"b":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := checkJSON(body)
		var refused *httpError
		switch {
		case err == nil && (!json.Valid(body) || !utf8.Valid(body)):
			t.Errorf("%q passed", body)
		case err != nil && !errors.As(err, &refused):
			t.Errorf("%q: %v", body, err)
		case err != nil && json.Valid(body) && utf8.Valid(body) && !ours(body):
			t.Errorf("%q was refused: %v", body, err)
		}
	})
}

// ours says that valid JSON may hold something that only we refuse.
func ours(body []byte) bool {
	return bytes.Count(body, []byte(`"`)) >= 4 || bytes.Contains(body, []byte(`\u0000`)) || bytes.Contains(bytes.ToLower(body), []byte(`\ud`)) || bytes.Count(body, []byte("[")) > maxDepth
}

func TestWhatIsSignedOpensForWhomItWasSignedOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := signer{rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")}
		purpose, bound := rapid.String().Draw(t, "purpose"), rapid.String().Draw(t, "bound")
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		text := s.sign(purpose, bound, payload)
		if got, ok := s.open(purpose, bound, text); !ok || !bytes.Equal(got, payload) {
			t.Fatalf("its own: %q %v", got, ok)
		}
		if _, ok := s.open(purpose+"x", bound, text); ok {
			t.Fatal("another purpose")
		}
		if _, ok := s.open(purpose, bound+"x", text); ok {
			t.Fatal("another account")
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := []byte(text)
		changed[at] ^= 1
		if _, ok := s.open(purpose, bound, string(changed)); ok {
			t.Fatal("a changed text")
		}
	})
}

func TestPositionsComeBackFromTheirTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := signer{make([]byte, 32)}
		account := es.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "account"))
		position := rapid.Int64Min(0).Draw(t, "position")
		if got, ok := s.position(account, s.token(account, position)); !ok || got != position {
			t.Fatalf("%d came back as %d %v", position, got, ok)
		}
	})
}

func TestACursorIsBoundToAccountListAndQuery(t *testing.T) {
	t.Parallel()
	bound := func(account byte, path string, q table.Query) string {
		c := &collection[fuzzed]{resource: &resource{path: path}}
		return c.bound(&Call{Principal: Principal{Account: es.ID{account}}}, q)
	}
	all := map[string]bool{}
	for _, b := range []string{
		bound(1, "a", table.Query{}), bound(2, "a", table.Query{}), bound(1, "b", table.Query{}), bound(1, "a", table.Query{Search: "x"}),
		bound(1, "a", table.Query{Order: []string{"n"}}), bound(1, "a", table.Query{Deleted: table.OnlyDeleted}),
		bound(1, "a", table.Query{Filters: []table.Filter{{Field: "n", Op: table.Eq, Values: []string{"1"}}}}),
	} {
		all[b] = true
	}
	if len(all) != 7 {
		t.Errorf("only %d differ", len(all))
	}
}
