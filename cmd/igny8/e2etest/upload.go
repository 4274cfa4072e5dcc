package e2etest

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"testing"
)

// Upload is a form with a file; without a name it has none.
type Upload struct {
	Name, File string
	Fields     map[string]string
}

// Form is the form's bytes, and the header that tells what they are.
func (u Upload) Form(t testing.TB, h Header) (string, Header) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(u.Fields)) {
		if err := form.WriteField(name, u.Fields[name]); err != nil {
			t.Fatal(err)
		}
	}
	if u.Name != "" {
		part, err := form.CreateFormFile("file", u.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(u.File)); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return body.String(), h.With("Content-Type", form.FormDataContentType())
}

// Import sends a keyword export, which must be answered with the status.
func (c *Client) Import(want int, u Upload, h Header) Answer {
	c.t.Helper()
	body, h := u.Form(c.t, h)
	return c.Do(want, "POST", "planner/keywords/import/", body, h)
}

// Job is work in the background.
type Job struct {
	ID, Kind, State string
	Progress        struct {
		Done, Total int64
		Stage       string
	}
	Result json.RawMessage
	Error  *struct{ Code, Message string }

	// Token reads what the job did.
	Token Header `json:"-"`
}

// Job is the job that was answered.
func (a Answer) Job(t testing.TB) Job {
	t.Helper()
	var body struct{ Data Job }
	if a.read(t, &body); body.Data.ID == "" {
		t.Fatalf("no job: %s", a)
	}
	body.Data.Token = Header{"X-Consistency-Token": a.Header.Get("X-Consistency-Token"), "Prefer": "wait=5"}
	return body.Data
}

// Ended says whether nothing becomes of it any more.
func (j Job) Ended() bool { return j.State != "queued" && j.State != "running" }

// Await polls a job until it has ended.
func (c *Client) Await(id string) Job {
	c.t.Helper()
	var j Job
	Eventually(c.t, "the job "+id+" ends", func() bool {
		j = c.Until("GET", "system/jobs/"+id+"/", nil, nil).Expect(c.t, http.StatusOK).Job(c.t)
		return j.Ended()
	})
	return j
}

// Imported is what became of a keyword export.
type Imported struct {
	Rows, Imported, Rejected, Duplicates, Completed int64

	Format string
	Errors []struct {
		Row     int64
		LastRow int64 `json:"last_row"`
		Code    string
		Column  string
		Message string
	}
	ErrorsLeftOff int64 `json:"errors_left_off"`
}

// Imported is the result of an import that succeeded.
func (j Job) Imported(t testing.TB) Imported {
	t.Helper()
	var report Imported
	if j.State != "succeeded" {
		t.Fatalf("the job %s: %+v", j.State, j.Error)
	}
	if err := json.Unmarshal(j.Result, &report); err != nil {
		t.Fatal(err)
	}
	return report
}
