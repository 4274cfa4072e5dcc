//go:build browser

package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/readapi"
)

// TestABrowserShowsTheReferenceAndAsksNobodyElse needs chromium. Every name but
// that of the loopback fails to resolve in it, and what the page asked for is in
// its network log. Set IGNY8_SCREENSHOT to keep a picture.
func TestABrowserShowsTheReferenceAndAsksNobodyElse(t *testing.T) {
	t.Parallel()
	api := newAPI()
	readapi.Raw(api, readapi.Route{Method: http.MethodGet, Path: "lamps/", Summary: "All the lamps there are", Public: true}, http.NotFound)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	log := filepath.Join(folder, "net.json")
	page, console := browse(t, folder, server.URL+"/docs/", "--dump-dom", "--log-net-log="+log)
	for _, want := range []string{"IGNY8", "Every change is an event", "All the lamps there are", "/api/v1/lamps/"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	for _, complaint := range []string{"Content Security Policy", "Uncaught", "Refused to"} {
		if strings.Contains(console, complaint) {
			t.Errorf("the browser complains: %s", console)
		}
	}
	asked := requests(t, log, server.URL)
	for _, one := range asked {
		if !strings.HasPrefix(one, server.URL+"/") {
			t.Errorf("the page asked for %s", one)
		}
	}
	if len(asked) < 3 { // two scripts and the document
		t.Errorf("the network log has only %v", asked)
	}
	if picture := os.Getenv("IGNY8_SCREENSHOT"); picture != "" {
		browse(t, t.TempDir(), server.URL+"/docs/", "--screenshot="+picture)
	}
}

// browse opens an address, and gives what the browser printed.
func browse(t *testing.T, folder, address string, flags ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	arguments := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
		"--user-data-dir=" + folder, "--enable-logging=stderr", "--virtual-time-budget=20000", "--window-size=1400,1000",
	}, append(flags, address)...)
	browser := exec.CommandContext(ctx, "chromium", arguments...) //nolint:gosec // G204: the test's own flags.
	var out, complaints bytes.Buffer
	browser.Stdout, browser.Stderr = &out, &complaints
	if err := browser.Run(); err != nil {
		t.Fatalf("chromium: %v: %s", err, complaints.String())
	}
	return out.String(), complaints.String()
}

// requests are what a page of the origin asked for. The browser asks for things
// of its own too, which no page began.
func requests(t *testing.T, log, origin string) []string {
	t.Helper()
	raw, err := os.ReadFile(log) //nolint:gosec // G304: the test's own file.
	if err != nil {
		t.Fatal(err)
	}
	var events struct {
		Events []struct {
			Params struct{ Initiator, URL string }
		}
	}
	if err := json.Unmarshal(raw, &events); err != nil {
		t.Fatalf("the network log: %v", err)
	}
	var asked []string
	for _, e := range events.Events {
		from, err := url.Parse(e.Params.Initiator)
		if err == nil && from.Scheme+"://"+from.Host == origin && e.Params.URL != "" {
			asked = append(asked, e.Params.URL)
		}
	}
	return asked
}
