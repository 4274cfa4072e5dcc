package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/config"
)

const (
	killedRows  = 6000 // of the file, each tenth of them no keyword
	killedKills = 4    // of each job
)

// TestAnImportAndAClusteringThatAreKilledEndAsIfTheyWereNot kills the whole
// process at random moments of both jobs.
func TestAnImportAndAClusteringThatAreKilledEndAsIfTheyWereNot(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, e2etest.Program{Path: os.Args[0], Env: []string{testProcess + "=mortal"}}).Start()
	i.Allow("a reaction failed and is tried again")
	c := internalClient(t, i)
	site := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]string{"name": "Notes", "domain": "notes.example.com", "industry": "technology-software"}, nil).Data(t)
	sector := c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": site.ID, "name": "Pens"}, nil).Data(t)

	file, want := killedFile()
	var report planner.ImportReport
	done := endedAfterKills(t, i, c, sendsFile(c, site.ID, sector.ID, file), &report)
	if report.Rows != want.Rows || report.Imported != want.Imported || report.Rejected != want.Rejected || report.Duplicates != want.Duplicates {
		t.Errorf("the import counts %+v, and the file has %+v", report, want)
	}
	listed := c.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1&sector_id="+sector.ID, nil, done)
	if n := countOf(t, listed); n != want.Imported {
		t.Errorf("%d keywords are listed, and %d were imported", n, want.Imported)
	}

	var clustering planner.ClusteringReport
	done = endedAfterKills(t, i, c, func() e2etest.Answer {
		return c.Do(http.StatusAccepted, "POST", "planner/keywords/auto_cluster/", map[string]string{"site_id": site.ID, "sector_id": sector.ID}, nil)
	}, &clustering)
	if clustering.Mapped != want.Imported || clustering.Skipped != 0 {
		t.Errorf("%+v of %d keywords", clustering, want.Imported)
	}
	for query, n := range map[string]int64{
		"planner/keywords/?page_size=1&cluster_id__isnull=true":    0,
		"planner/clusters/?page_size=1":                            clustering.Clusters,
		"billing/credits/transactions/?page_size=1&kind=committed": 1,
	} {
		if got := countOf(t, c.Do(http.StatusOK, "GET", query, nil, done)); got != n {
			t.Errorf("%s counts %d, want %d", query, got, n)
		}
	}
	var spent struct {
		Data struct {
			Balance struct{ Reserved int64 }
			Totals  struct{ Committed int64 }
		}
	}
	err := json.Unmarshal(c.Get("billing/credits/summary/").Body, &spent)
	if s := spent.Data; err != nil || s.Totals.Committed != clustering.Credits || s.Balance.Reserved != 0 || clustering.Credits == 0 {
		t.Errorf("the ledger says %+v, the job %d credits: %v", s, clustering.Credits, err)
	}
	i.Stop()
	if r := i.Run("rebuild", "--all", "--check"); r.Code != 0 {
		t.Errorf("the read models differ from the events: %s%s", r.Stdout, r.Stderr)
	}
}

// internalClient is somebody whose plan takes 100,000 keywords.
func internalClient(t *testing.T, i *e2etest.Installation) *e2etest.Client {
	t.Helper()
	loaded, err := config.Load([]string{"IGNY8_DATA=" + i.Dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, closed, err := allParts().demonstrators(t.Context(), loaded.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := i.Nobody(t)
	c.Email, c.Password = "grace@example.org", "correct horse of grace"
	_, _, err = d.SignUp(t.Context(), c.Email, c.Password)
	if err := closed(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.LogIn()
	return c
}

// killedFile is an export, and what is to become of it.
func killedFile() (string, planner.ImportReport) {
	var file strings.Builder
	var want planner.ImportReport
	file.WriteString("keyword,volume\n")
	for n := range killedRows {
		want.Rows++
		switch {
		case n%10 == 7:
			want.Rejected++
			_, _ = fmt.Fprintf(&file, "%s,10\n", strings.Repeat("x", 300))
		case n%10 == 8 && n > 2000:
			want.Duplicates++
			_, _ = fmt.Fprintf(&file, "PEN %d of %d,%d\n", n-2003, (n-2003)%50, n)
		default:
			want.Imported++
			_, _ = fmt.Fprintf(&file, "pen %d of %d,%d\n", n, n%50, n)
		}
	}
	return file.String(), want
}

func sendsFile(c *e2etest.Client, site, sector, file string) func() e2etest.Answer {
	const edge = "edge-of-the-form"
	body := ""
	for name, value := range map[string]string{"site_id": site, "sector_id": sector} {
		body += fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", edge, name, value)
	}
	body += fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"pens.csv\"\r\n\r\n%s\r\n--%s--\r\n", edge, file, edge)
	return func() e2etest.Answer {
		return c.Do(http.StatusAccepted, "POST", "planner/keywords/import/", body, e2etest.Header{"Content-Type": "multipart/form-data; boundary=" + edge})
	}
}

// endedAfterKills asks for a job, kills the process again and again while it
// runs, and reads the job's result. A read with the header that it gives sees all
// that the job did.
func endedAfterKills(t *testing.T, i *e2etest.Installation, c *e2etest.Client, ask func() e2etest.Answer, result any) e2etest.Header {
	t.Helper()
	queued := jobOf(t, ask())
	kills := 0
	for now := queued; kills < killedKills && !now.ended(); {
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		i.Kill()
		i.Start()
		kills++
		now = jobOf(t, c.Until("GET", "system/jobs/"+queued.ID+"/", nil, nil))
	}
	var now job
	var answer e2etest.Answer
	e2etest.Eventually(t, "the job ends", func() bool {
		answer = c.Until("GET", "system/jobs/"+queued.ID+"/", nil, nil)
		now = jobOf(t, answer)
		return now.ended()
	})
	if now.State != "succeeded" {
		t.Fatalf("the job ended as %+v", now)
	}
	if err := json.Unmarshal(now.Result, result); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d kills", now.Kind, kills)
	return e2etest.Header{"X-Consistency-Token": answer.Header.Get("X-Consistency-Token"), "Prefer": "wait=5"}
}

func jobOf(t *testing.T, a e2etest.Answer) job {
	t.Helper()
	var body struct{ Data job }
	if err := json.Unmarshal(a.Body, &body); err != nil || body.Data.ID == "" {
		t.Fatalf("no job: %s", a)
	}
	return body.Data
}

func countOf(t *testing.T, a e2etest.Answer) int64 {
	t.Helper()
	var body struct{ Count int64 }
	if err := json.Unmarshal(a.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Count
}
