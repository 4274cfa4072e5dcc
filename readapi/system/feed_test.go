package system_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

func TestTheFeedPicksByEachPartOfAnEvent(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	site, sector, user := commands.NewID(), commands.NewID(), es.Actor{Kind: es.UserActor, ID: commands.NewID()}
	a := w.happens(w.ann, "a", func(e *es.Envelope) { e.Site, e.Sector = site, sector })
	b := w.happens(w.ann, "b", func(e *es.Envelope) { e.Actor, e.Request = user, "req-1" })
	w.happens(w.ann, "c", func(e *es.Envelope) { e.Correlation, e.Request = a.Correlation, "req-1" })
	w.happens(w.bob, "foreign", func(e *es.Envelope) { e.Site, e.Correlation, e.Request = site, a.Correlation, "req-1" })
	all := w.pull("ann", "")
	second := url.QueryEscape(all.Results[1].Time.Format(time.RFC3339Nano))
	for query, want := range map[string]string{
		"": "a b c", "site_id=" + site.String(): "a", "sector_id=" + sector.String(): "a",
		"subject=test.note": "a b c", "subject=test.other": "", "subject=test.note/" + b.Stream.ID.String(): "b",
		"actor=" + user.String(): "b", "actor=system": "a c", "request_id=req-1": "b c",
		"correlation_id=" + a.Correlation.String(): "a c", "request_id=req-1&actor=system": "c",
		"since=" + second: "b c", "until=" + second: "a", "types=test.note.*&site_id=" + site.String(): "a",
		"types=igny8.test.note.noted.v1": "a b c", "types=test.other.*": "",
	} {
		got := w.pull("ann", "?"+query)
		if texts := w.texts(got.Results); texts != want || got.Cursor != all.Cursor {
			t.Errorf("%s picked %q, want %q; cursor %v", query, texts, want, got.Cursor == all.Cursor)
		}
	}
}

func TestTheFeedNamesEveryBadParameter(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	for _, path := range []string{"", "stream/"} {
		bad := w.pull("ann", path+"?site_id=7&sector_id=x&subject=A/1&actor=user:7&correlation_id=-&request_id=%20&since=yesterday&until=2026-01-02T03:04:05+01:00&types=a'b")
		if bad.status != 400 || bad.Code != "invalid" {
			t.Fatalf("%d %s", bad.status, bad.raw)
		}
		for _, name := range []string{"site_id", "sector_id", "subject", "actor", "correlation_id", "request_id", "since", "until", "types"} {
			if len(bad.Errors[name]) != 1 {
				t.Errorf("%s: %v", name, bad.Errors[name])
			}
		}
		if len(bad.Errors) != 9 {
			t.Errorf("%v", bad.Errors)
		}
		if a := w.pull("ann", path+"?after=x"); a.status != 404 || a.Code != "invalid_cursor" {
			t.Errorf("%s", a.raw)
		}
		if a := w.pull("ann", path+"?types="+strings.Repeat("a,", 50)+"a"); a.status != 400 {
			t.Errorf("%s", a.raw)
		}
	}
	for _, bad := range []string{"wait=x", "wait=-1"} {
		if a := w.pull("ann", "", "Prefer", bad); a.status != 400 {
			t.Errorf("%s: %s", bad, a.raw)
		}
	}
}

func TestAPollerWaitsForWhatComes(t *testing.T) {
	t.Parallel()
	w := onPostgres(t)
	w.happens(w.ann, "a")
	start := w.pull("ann", "?after=latest")
	if len(start.Results) != 0 {
		t.Fatalf("%s", start.raw)
	}
	answers := make(chan pulled, 1)
	go func() { answers <- w.pull("ann", "?after="+start.Cursor, "Prefer", "wait=5") }()
	for range 20 {
		w.happens(w.bob, "foreign")
	}
	w.happens(w.ann, "b")
	if got := <-answers; w.texts(got.Results) != "b" || got.header.Get("Preference-Applied") != "wait=5" {
		t.Errorf("%s", got.raw)
	}
	began := time.Now()
	idle := w.pull("ann", "?types=test.other.*", "Prefer", "wait=1")
	if took := time.Since(began); took < 900*time.Millisecond || took > 10*time.Second || idle.status != 200 || len(idle.Results) != 0 {
		t.Errorf("after %v: %s", took, idle.raw)
	}
	if again := w.pull("ann", "?after="+idle.Cursor); len(again.Results) != 0 {
		t.Errorf("the cursor did not pass what was left out: %s", again.raw)
	}
}

func TestEveryEventTypeIsDocumented(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	for path, want := range map[string]string{
		"/api/v1/asyncapi.json":                           `"asyncapi": "3.1.0"`,
		"/api/v1/events/schemas/test.note.noted.v1.json":  `"text":{"type":"string"}`,
		"/api/v1/events/schemas/igny8.test.note.noted.v1": `"title":"test.note.noted.v1"`,
		"/api/v1/events/schemas/test.note.noted.v2.json":  `"code":"not_found"`,
	} {
		if got := w.pull("nobody", path); !strings.Contains(got.raw, want) {
			t.Errorf("%s: %d %s", path, got.status, got.raw)
		}
	}
}
