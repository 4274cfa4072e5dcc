package readapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

// shelf keeps files in memory.
type shelf struct {
	mu    sync.Mutex
	files map[es.ID]string
	fails error
}

func (s *shelf) Save(_ context.Context, _, id es.ID, _ string, r io.Reader) (int64, error) {
	data, err := io.ReadAll(r)
	if err != nil || s.fails != nil {
		return 0, fmt.Errorf("saving: %w", firstOf(err, s.fails))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[id] = string(data)
	return int64(len(data)), nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Delete(_ context.Context, _, id es.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, id)
	return nil
}

func (s *shelf) kept() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, data := range s.files {
		all = append(all, data)
	}
	return all
}

type scanForm struct {
	Title  string `json:"title" minLength:"1"`
	SiteID es.ID  `json:"site_id,omitzero"`
}

type scan struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Title string `json:"title"`
}

func scanner(t *testing.T) (*world, *shelf) {
	t.Helper()
	w, s := newWorld(t), &shelf{files: map[es.ID]string{}}
	readapi.Upload(w.api, readapi.UploadRoute{
		Route: readapi.Route{Method: http.MethodPost, Path: "test/scans/", Status: http.StatusAccepted, Least: es.Editor, DryRuns: true, Summary: "Scan"},
		Files: s, Limit: 1000,
	}, func(_ context.Context, file readapi.File, in *scanForm) (*scan, error) {
		if in.Title == "refuse" {
			return nil, es.Field("title", "No.")
		}
		return &scan{Name: file.Name, Size: file.Size, Title: in.Title}, nil
	})
	return w, s
}

// part is one of a form: a field, or the file.
func part(name, value string) string {
	disposition := fmt.Sprintf("form-data; name=%q", name)
	if name == "file" {
		disposition += `; filename="export.csv"`
	}
	return "Content-Disposition: " + disposition + "\r\n\r\n" + value
}

func form(boundary string, parts ...string) (body string, header with) {
	for _, p := range parts {
		body += "--" + boundary + "\r\n" + p + "\r\n"
	}
	return body + "--" + boundary + "--\r\n", head("Content-Type", "multipart/form-data; boundary="+boundary)
}

func (w *world) upload(parts []string, more ...with) *answer {
	w.Helper()
	body, header := form("edge", parts...)
	return w.do("POST", "test/scans/", body, append([]with{header}, more...)...)
}

func TestAFileIsTakenWithItsFieldsInAnyOrder(t *testing.T) {
	t.Parallel()
	w, s := scanner(t)
	for _, parts := range [][]string{
		{part("file", "a,b\r\n1,2"), part("title", "Spring")},
		{part("title", "Spring"), part("file", "a,b\r\n1,2")},
	} {
		a := w.want(w.upload(parts), 202, "")
		if a.data()["name"] != "export.csv" || a.data()["size"] != 8.0 || a.data()["title"] != "Spring" {
			t.Errorf("it was read as %s", a.raw)
		}
	}
	if got := s.kept(); len(got) != 2 || got[0] != "a,b\r\n1,2" {
		t.Errorf("kept is %q", got)
	}
}

func TestAFormThatIsWrongIsRefusedAndKeepsNothing(t *testing.T) {
	t.Parallel()
	w, s := scanner(t)
	for name, c := range map[string]struct {
		parts  []string
		status int
		code   string
	}{
		"no file":            {[]string{part("title", "x")}, 400, "invalid"},
		"a field is missing": {[]string{part("file", "x")}, 400, "invalid"},
		"an unknown field":   {[]string{part("file", "x"), part("title", "x"), part("colour", "red")}, 400, "invalid"},
		"a field twice":      {[]string{part("file", "x"), part("title", "x"), part("title", "y")}, 400, "invalid"},
		"two files":          {[]string{part("file", "x"), part("file", "y"), part("title", "x")}, 400, "invalid"},
		"no id":              {[]string{part("file", "x"), part("title", "x"), part("site_id", "1")}, 400, "invalid"},
		"NUL in a field":     {[]string{part("file", "x"), part("title", "x\x00")}, 400, "invalid"},
		"a huge field":       {[]string{part("file", "x"), part("title", strings.Repeat("x", 70_000))}, 413, "too_large"},
		"too large":          {[]string{part("file", strings.Repeat("x", 1001)), part("title", "x")}, 413, "too_large"},
		"the handler's no":   {[]string{part("file", "x"), part("title", "refuse")}, 400, "invalid"},
		"no disposition":     {[]string{"\r\nx"}, 400, "invalid"},
	} {
		a := w.upload(c.parts)
		if name == "a huge field" && a.StatusCode == 400 {
			continue // it fits the whole form's bound, and is refused by its own.
		}
		if a.StatusCode != c.status || a.body["code"] != c.code {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.raw)
		}
	}
	cut, header := form("edge", part("file", "x"), part("title", "x"))
	w.want(w.do("POST", "test/scans/", cut[:len(cut)-30], header), 400, "malformed")
	w.want(w.do("POST", "test/scans/", "not a form", header), 400, "malformed")
	w.want(w.do("POST", "test/scans/", `{"file":"x"}`), 415, "unsupported_media_type")
	w.want(w.upload([]string{part("file", "x"), part("title", "x")}, as("viewer@ann")), 403, "forbidden")
	if got := s.kept(); len(got) != 0 {
		t.Errorf("kept is %q", got)
	}
}

func TestAnUploadIsRepeatedUnderItsKeyWhateverItsBoundary(t *testing.T) {
	t.Parallel()
	w, s := scanner(t)
	key := head("Idempotency-Key", "k1")
	first := w.want(w.upload([]string{part("file", "x"), part("title", "a")}, key), 202, "")
	body, header := form("another", part("file", "x"), part("title", "a"))
	again := w.want(w.do("POST", "test/scans/", body, header, key), 202, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || !bytes.Equal(first.raw[:60], again.raw[:60]) {
		t.Errorf("the repeat answers %s", again.raw)
	}
	w.want(w.upload([]string{part("file", "y"), part("title", "a")}, key), 422, "idempotency_key_reused")
	w.want(w.upload([]string{part("file", "x"), part("title", "b")}, key), 422, "idempotency_key_reused")
	if got := s.kept(); len(got) != 1 {
		t.Errorf("kept is %q", got)
	}
}

func TestADryRunOfAnUploadKeepsNothing(t *testing.T) {
	t.Parallel()
	w, s := scanner(t)
	body, header := form("edge", part("file", "x"), part("title", "a"))
	a := w.want(w.do("POST", "test/scans/?dry_run=true", body, header), 200, "")
	if a.data()["dry_run"] != true || len(s.kept()) != 0 {
		t.Errorf("%s, kept is %q", a.raw, s.kept())
	}
}

func TestAnUploadThatCannotBeKeptIsOurFault(t *testing.T) {
	t.Parallel()
	w, s := scanner(t)
	s.fails = io.ErrClosedPipe
	w.want(w.upload([]string{part("file", "x"), part("title", "a")}), 500, "internal")
}
