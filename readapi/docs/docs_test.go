package docs_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/docs"
)

// nothing is what a page does not need.
type nothing struct {
	commands.Idempotency
	readapi.Bus
}

func (nothing) OpenFields(context.Context, es.ID, []*es.Personal) error { return nil }

func (nothing) Authenticate(context.Context, string) (readapi.Principal, error) {
	return readapi.Principal{}, readapi.ErrBadCredentials
}

func newAPI() *readapi.API {
	api := readapi.New(readapi.Options{
		Bus: nothing{}, Idempotency: nothing{}, Opener: nothing{}, Authenticator: nothing{},
		Key: bytes.Repeat([]byte("k"), 32), Logger: slog.New(slog.DiscardHandler),
	})
	docs.Mount(api)
	return api
}

func get(t *testing.T, api *readapi.API, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

var references = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

func TestThePageLoadsItsOwnFilesOnly(t *testing.T) {
	t.Parallel()
	api := newAPI()
	for _, path := range []string{"/docs/", "/docs"} {
		page := get(t, api, path)
		policy := page.Header().Get("Content-Security-Policy")
		if page.Code != 200 || page.Header().Get("Content-Type") != "text/html; charset=utf-8" || page.Header().Get("Cache-Control") != "no-cache" {
			t.Fatalf("%d %v", page.Code, page.Header())
		}
		for _, rule := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, rule) {
				t.Errorf("no %s in %s", rule, policy)
			}
		}
		if strings.Contains(policy, "http") || strings.Contains(policy, "*") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("it reaches outside: %s", policy)
		}
		found := references.FindAllStringSubmatch(page.Body.String(), -1)
		if len(found) != 4 {
			t.Fatalf("%v in %s", found, page.Body)
		}
		for _, f := range found {
			if f[1] == "data:," || f[1] == "/api/v1/openapi.json" {
				continue
			}
			file := get(t, api, f[1], "Accept-Encoding", "br, gzip")
			if !strings.HasPrefix(f[1], "/docs/") || file.Code != 200 || !strings.HasPrefix(file.Header().Get("Content-Type"), "text/javascript") ||
				!strings.Contains(file.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d %v", f[1], file.Code, file.Header())
			}
		}
	}
	if root := get(t, api, "/"); root.Code != 302 || root.Header().Get("Location") != "/docs/" {
		t.Errorf("/: %d %v", root.Code, root.Header())
	}
	if l := get(t, api, "/docs/LICENSE"); !strings.Contains(l.Body.String(), "Scalar") {
		t.Errorf("the licence: %s", l.Body)
	}
}

func TestFilesAreKeptByWhoHasThem(t *testing.T) {
	t.Parallel()
	api := newAPI()
	script := references.FindAllStringSubmatch(get(t, api, "/docs/").Body.String(), -1)[2][1]
	for _, path := range []string{"/docs/", script} {
		for _, encoding := range []string{"gzip", "identity", "gzip;q=0"} {
			first := get(t, api, path, "Accept-Encoding", encoding)
			again := get(t, api, path, "Accept-Encoding", encoding, "If-None-Match", `"x", W/`+first.Header().Get("ETag"))
			if first.Code != 200 || again.Code != 304 || again.Body.Len() > 0 {
				t.Errorf("%s: %d then %d", path, first.Code, again.Code)
			}
			if squeezed := first.Header().Get("Content-Encoding") == "gzip"; squeezed != (path == script && encoding == "gzip") {
				t.Errorf("%s as %s: %v", path, encoding, first.Header())
			}
		}
	}
}

func TestTheScriptIsTheOneThatWasPublished(t *testing.T) {
	t.Parallel()
	pin, err := os.ReadFile("scalar/SHA256SUM")
	if err != nil {
		t.Fatal(err)
	}
	sum, name, _ := strings.Cut(strings.TrimSpace(string(pin)), "  ")
	if name != "@scalar/api-reference@1.72.1/dist/browser/standalone.js" {
		t.Errorf("the pin is of %s", name)
	}
	api := newAPI()
	script := references.FindAllStringSubmatch(get(t, api, "/docs/").Body.String(), -1)[2][1]
	plain := get(t, api, script).Body.Bytes()
	unpacked, err := gzip.NewReader(get(t, api, script, "Accept-Encoding", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	inflated, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{plain, inflated} {
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%d bytes with the checksum %x, want %s: run `make docs-page`", len(content), got, sum)
		}
	}
}
