package e2etest_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// uploading is an installation that takes files of 2 MB.
func uploading(t *testing.T) *e2etest.Installation {
	t.Helper()
	return e2etest.Install(t, program, "IGNY8_UPLOAD_LIMIT=2MB").Start()
}

func TestUploadsAreRefusedAsTheContractSaysAndRepeatsAreOne(t *testing.T) {
	t.Parallel()
	i := uploading(t)
	p, other := plant(t, i, "owner"), plant(t, i, "stranger")
	t.Run("refused", func(t *testing.T) { refusedUploads(t, p, other) })
	t.Run("cut off", func(t *testing.T) { cutOff(t, i, p) })
	t.Run("repeated", func(t *testing.T) { repeatedUploads(t, p) })
	t.Run("two at once", func(t *testing.T) { sameFileTwice(t, other) })
	p.Do(http.StatusOK, "GET", i.URL()+"/readyz", nil, nil)
}

func refusedUploads(t *testing.T, p, other planter) {
	t.Helper()
	const random = "01920000-0000-7000-8000-000000000000"
	fields := func(more ...string) map[string]string {
		all := map[string]string{"site_id": p.site, "sector_id": p.sector}
		for n := 0; n < len(more); n += 2 {
			if all[more[n]] = more[n+1]; more[n+1] == "" {
				delete(all, more[n])
			}
		}
		return all
	}
	const small = "Keyword\ncrm\n"
	form, header := p.upload("a.csv", small).Form(t, nil)
	missing := map[string]string{}
	for _, b := range []struct {
		name   string
		upload e2etest.Upload
		body   string
		header e2etest.Header
		status int
		code   string
		field  string
		like   string // the answer is the same as that one's
	}{
		{name: "no file", upload: e2etest.Upload{Fields: fields()}, status: 400, code: "invalid", field: "file"},
		{name: "no sector", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("sector_id", "")}, status: 400, code: "invalid", field: "sector_id"},
		{name: "a sector that is none", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("sector_id", "x")}, status: 400, code: "invalid", field: "sector_id"},
		{name: "an unknown field", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("color", "red")}, status: 400, code: "invalid", field: "color"},
		{name: "a country that is none", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("country", "Atlantis")}, status: 400, code: "invalid", field: "country"},
		{name: "NUL in a field", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("country", "U\x00")}, status: 400, code: "invalid", field: "country"},
		{name: "an unknown sector", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("sector_id", random)}, status: 400, code: "invalid", field: "sector_id"},
		{name: "another account's sector", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("sector_id", other.sector)}, status: 400, code: "invalid", field: "sector_id", like: "an unknown sector"},
		{name: "an unknown site", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("site_id", random)}, status: 400, code: "invalid"},
		{name: "another account's site", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("site_id", other.site)}, status: 400, code: "invalid", like: "an unknown site"},
		{name: "an unknown site and sector", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("site_id", random, "sector_id", random)}, status: 400, code: "invalid"},
		{name: "another account's site and sector", upload: e2etest.Upload{Name: "a.csv", File: small, Fields: fields("site_id", other.site, "sector_id", other.sector)}, status: 400, code: "invalid", like: "an unknown site and sector"},
		{name: "more than the limit", upload: e2etest.Upload{Name: "a.csv", File: strings.Repeat("x\n", 3<<19), Fields: fields()}, status: 413, code: "too_large"},
		{name: "JSON", body: `{"file":"x"}`, header: e2etest.Header{"Content-Type": "application/json"}, status: 415, code: "unsupported_media_type"},
		{name: "a form without boundary", body: form, header: e2etest.Header{"Content-Type": "multipart/form-data"}, status: 415, code: "unsupported_media_type"},
		{name: "another boundary", body: form, header: e2etest.Header{"Content-Type": "multipart/form-data; boundary=x"}, status: 400, code: "malformed"},
		{name: "half a form", body: form[:len(form)/2], header: header, status: 400, code: "malformed"},
		{name: "a form without its last line", body: form[:len(form)-8], header: header, status: 400, code: "malformed"},
	} {
		t.Run(b.name, func(t *testing.T) {
			c := p.In(t)
			body, h := b.body, b.header
			if body == "" {
				body, h = b.upload.Form(t, nil)
			}
			a := c.Do(b.status, "POST", "planner/keywords/import/", body, h)
			if a.Code() != b.code || b.field != "" && len(a.Errors(t)[b.field]) == 0 {
				t.Errorf("%s", a)
			}
			if found := internals.Find(a.Body); found != nil {
				t.Errorf("it tells %q: %s", found, a)
			}
			missing[b.name] = a.Without(t, "request_id")
			if like := missing[b.like]; b.like != "" && like != missing[b.name] {
				t.Errorf("it differs from %s: %s and %s", b.like, missing[b.name], like)
			}
		})
	}
	p.In(t).Do(http.StatusBadRequest, "POST", "planner/keywords/auto_cluster/", map[string]string{"site_id": p.site, "sector_id": other.sector}, nil)
	if a := p.In(t).Do(http.StatusBadRequest, "POST", "planner/keywords/auto_cluster/", map[string]string{"site_id": p.site, "sector_id": p.sector}, nil); a.Code() != "nothing_to_cluster" {
		t.Errorf("nothing is clustered: %s", a)
	}
	counts(t, p.In(t).Get("system/jobs/").List(t), 0)
}

// cutOff hangs up in the middle of an upload.
func cutOff(t *testing.T, i *e2etest.Installation, p planter) {
	t.Helper()
	form, header := p.upload("a.csv", numbered(40_000)).Form(t, nil)
	at, err := url.Parse(i.URL())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.Host)
		if err == nil {
			_, err = fmt.Fprintf(conn, "POST /api/v1/planner/keywords/import/ HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				at.Host, p.Access, header["Content-Type"], len(form), form[:len(form)/2])
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c := p.In(t)
	counts(t, c.Get("system/jobs/").List(t), 0)
}

// repeatedUploads repeats a request, with its key and without.
func repeatedUploads(t *testing.T, p planter) {
	t.Helper()
	c := p.In(t)
	h := e2etest.Key("once")
	first := c.Import(http.StatusAccepted, p.upload("a.csv", numbered(50)), h)
	again := c.Import(http.StatusAccepted, p.upload("a.csv", numbered(50)), h) // its boundary is another one.
	if first.Job(t).ID != again.Job(t).ID || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat is answered %s after %s", again, first)
	}
	if a := c.Import(http.StatusUnprocessableEntity, p.upload("a.csv", numbered(51)), h); a.Code() != "idempotency_key_reused" {
		t.Errorf("another file is answered %s", a)
	}
	if want := "/api/v1/system/jobs/" + first.Job(t).ID + "/"; first.Header.Get("Location") != want {
		t.Errorf("the job is at %q, want %q", first.Header.Get("Location"), want)
	}
	j := c.Await(first.Job(t).ID)
	if r := j.Imported(t); r.Imported != 50 || r.Rows != 50 {
		t.Errorf("it imported %+v", r)
	}
	body, dry := p.upload("c.csv", numbered(51)).Form(t, nil)
	c.Do(http.StatusOK, "POST", "planner/keywords/import/?dry_run=true", body, dry)
	counts(t, c.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1", nil, j.Token).List(t), 50)
	counts(t, c.Get("system/jobs/").List(t), 1)

	second := c.Await(c.Import(http.StatusAccepted, p.upload("b.csv", numbered(60)), nil).Job(t).ID)
	if r := second.Imported(t); r.Imported != 10 || r.Duplicates != 50 || r.Completed != 0 {
		t.Errorf("the same keywords again: %s", second.Result)
	}
}

// sameFileTwice imports the same keywords from two files at the same time.
func sameFileTwice(t *testing.T, p planter) {
	t.Helper()
	c := p.In(t)
	var jobs [2]e2etest.Job
	var wg sync.WaitGroup
	for n := range jobs {
		wg.Go(func() {
			body, h := p.upload("a.csv", numbered(400)).Form(t, nil)
			a, err := c.Send("POST", "planner/keywords/import/", body, h)
			if err != nil || a.Status != http.StatusAccepted {
				t.Errorf("%v %s", err, a)
				return
			}
			jobs[n] = a.Job(t)
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	var both e2etest.Imported
	var last e2etest.Header
	for _, j := range jobs {
		done := c.Await(j.ID)
		r := done.Imported(t)
		both.Rows, both.Imported, both.Duplicates, both.Rejected = both.Rows+r.Rows, both.Imported+r.Imported, both.Duplicates+r.Duplicates, both.Rejected+r.Rejected
		last = done.Token
	}
	if both.Rows != 800 || both.Imported != 400 || both.Duplicates != 400 || both.Rejected != 0 {
		t.Errorf("together they count %+v", both)
	}
	counts(t, c.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1", nil, last).List(t), 400)
}
