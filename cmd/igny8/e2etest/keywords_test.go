package e2etest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// caused is what follows from a request, by types.
type caused map[string]int

// TestKeywordExportsBecomeClustersAndEachEventTellsItsRequest plays the whole
// flow on the bundled exports.
func TestKeywordExportsBecomeClustersAndEachEventTellsItsRequest(t *testing.T) {
	t.Parallel()
	p := plant(t, e2etest.Install(t, program).Start(), "mary")
	requests := map[string]caused{}
	var total e2etest.Imported
	for _, path := range exports(t) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		a := p.Import(http.StatusAccepted, p.upload(name, string(file)), e2etest.Header{"X-Request-ID": name})
		r := watched(t, p, a.Job(t).ID).Imported(t)
		if r.Rows == 0 || r.Rows != r.Imported+r.Rejected+r.Duplicates {
			t.Errorf("%s: %+v", name, r)
		}
		requests[name] = caused{"planner.keyword.created": int(r.Imported), "planner.keyword.changed": int(r.Completed), "tasks.task.queued": 1, "tasks.task.started": 1, "tasks.task.succeeded": 1}
		total.Imported, total.Rows = total.Imported+r.Imported, total.Rows+r.Rows
	}

	asked := p.Do(http.StatusAccepted, "POST", "planner/keywords/auto_cluster/", map[string]string{"site_id": p.site, "sector_id": p.sector}, e2etest.Header{"X-Request-ID": "clustering"})
	done := watched(t, p, asked.Job(t).ID)
	var r struct{ Clusters, Mapped, Skipped, Credits int64 }
	if err := json.Unmarshal(done.Result, &r); err != nil || r.Mapped != total.Imported || r.Skipped != 0 || r.Clusters < 2 || r.Credits < 1 {
		t.Fatalf("of %d keywords: %s %v", total.Imported, done.Result, err)
	}
	requests["clustering"] = caused{
		"planner.cluster.created": int(r.Clusters), "planner.keyword.mapped": int(r.Mapped), "billing.ledger.reserved": 1, "billing.ledger.committed": 1,
		"tasks.task.queued": 1, "tasks.task.started": 1, "tasks.task.succeeded": 1,
	}
	clustersAddUp(t, p, done, r.Clusters, total.Imported)
	chargesTellWhatTheyAreFor(t, p, done, r.Credits)
	feedTellsRequests(t, p, requests)
}

func exports(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../../examples/keywords/*.[cx]*")
	if err != nil || len(files) < 4 {
		t.Fatalf("the examples are %v: %v", files, err)
	}
	return files
}

// watched polls a job and follows its stream; both must end the same.
func watched(t *testing.T, p planter, id string) e2etest.Job {
	t.Helper()
	streamed := make(chan string, 1)
	go func() {
		a, err := p.Send("GET", "system/jobs/"+id+"/stream/", nil, nil)
		if err != nil {
			t.Error(err)
		}
		streamed <- string(a.Body)
	}()
	polled := p.Await(id)
	stream := <-streamed
	_, last, _ := strings.Cut(stream[max(0, strings.LastIndex(stream, "\nevent: ")):], "\ndata: ")
	last, _, _ = strings.Cut(last, "\n")
	var j e2etest.Job
	if err := json.Unmarshal([]byte(last), &j); err != nil {
		t.Fatalf("%v: %s", err, stream)
	}
	if j.State != polled.State || j.Progress != polled.Progress || string(j.Result) != string(polled.Result) || j.State != "succeeded" {
		t.Errorf("the stream ends with %+v, the poll says %+v", j, polled)
	}
	return polled
}

// all reads every row of a list.
func all[T any](t *testing.T, p planter, path string, token e2etest.Header) []T {
	t.Helper()
	var rows []T
	for page := 1; ; page++ {
		var body struct {
			Next    *string
			Results []T
		}
		a := p.Do(http.StatusOK, "GET", fmt.Sprintf("%s?page_size=100&page=%d", path, page), nil, token)
		if err := json.Unmarshal(a.Body, &body); err != nil {
			t.Fatal(err)
		}
		if rows = append(rows, body.Results...); body.Next == nil {
			return rows
		}
	}
}

// clustersAddUp wants each keyword in a cluster, and each cluster to show the sum
// of its keywords.
func clustersAddUp(t *testing.T, p planter, done e2etest.Job, clusters, keywords int64) {
	t.Helper()
	type keyword struct {
		ID, Keyword string
		Cluster     string `json:"cluster_id"`
		Volume      int64
		Intents     []string
	}
	type cluster struct {
		ID, Name    string
		Primary     string `json:"primary_keyword_id"`
		PrimaryText string `json:"primary_keyword"`
		Keywords    int64  `json:"keywords_count"`
		Volume      int64
		Intents     []string
	}
	type sum struct {
		n, volume int64
		texts     map[string]string
		intents   []string
	}
	sums := map[string]*sum{}
	listed := all[keyword](t, p, "planner/keywords/", done.Token)
	for _, k := range listed {
		s := sums[k.Cluster]
		if s == nil {
			s = &sum{texts: map[string]string{}}
			sums[k.Cluster] = s
		}
		s.n, s.volume, s.texts[k.ID], s.intents = s.n+1, s.volume+k.Volume, k.Keyword, append(s.intents, k.Intents...)
		if len(k.Intents) == 0 {
			t.Errorf("%q has no intent", k.Keyword)
		}
	}
	if int64(len(listed)) != keywords || int64(len(sums)) != clusters || sums[""] != nil {
		t.Errorf("%d keywords in %d clusters are listed, want %d in %d; without one: %v", len(listed), len(sums), keywords, clusters, sums[""])
	}
	for _, c := range all[cluster](t, p, "planner/clusters/", done.Token) {
		s := sums[c.ID]
		if s == nil || c.Keywords != s.n || c.Volume != s.volume || c.Name == "" || s.texts[c.Primary] != c.PrimaryText || c.PrimaryText == "" {
			t.Errorf("%+v has %+v", c, s)
			continue
		}
		for _, intent := range c.Intents {
			if !slices.Contains(s.intents, intent) {
				t.Errorf("%q is said to be %s, its keywords are %v", c.Name, intent, s.intents)
			}
		}
	}
}

func chargesTellWhatTheyAreFor(t *testing.T, p planter, done e2etest.Job, credits int64) {
	t.Helper()
	type transaction struct {
		Kind, Operation string
		Job             string `json:"job_id"`
		Request         string `json:"request_id"`
		Charged, Amount int64
		Balance         int64 `json:"balance_after"`
		Reserved        int64 `json:"reserved_after"`
	}
	var sum, charged int64
	kinds := map[string]int{}
	for _, tx := range all[transaction](t, p, "billing/credits/transactions/", done.Token) {
		kinds[tx.Kind]++
		sum, charged = sum+tx.Amount, charged+tx.Charged
		if tx.Kind != "granted" && (tx.Operation != "clustering" || tx.Job != done.ID || tx.Request != "clustering") {
			t.Errorf("a transaction is for %+v", tx)
		}
		if tx.Kind == "committed" && (tx.Balance != 1000-credits || tx.Reserved != 0) {
			t.Errorf("after it there is %+v", tx)
		}
	}
	if kinds["granted"] != 1 || kinds["reserved"] != 1 || kinds["committed"] != 1 || len(kinds) != 3 || charged != credits || sum != 1000-credits {
		t.Errorf("the ledger has %v, charged %d, holds %d; the job cost %d", kinds, charged, sum, credits)
	}
}

// feedTellsRequests walks the whole feed: what follows from a request carries its
// id and one correlation, and nothing else does.
func feedTellsRequests(t *testing.T, p planter, requests map[string]caused) {
	t.Helper()
	correlations, got := map[string]string{}, map[string]caused{}
	after := ""
	for {
		events, cursor := p.Get("system/events/?limit=500&after=" + url.QueryEscape(after)).Events(t)
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			if e.RequestID == "" || e.Correlation == "" {
				t.Errorf("%s of %s has no trace", e.Type, e.Subject)
			}
			if first, known := correlations[e.RequestID]; known && first != e.Correlation {
				t.Errorf("%s of %s has the correlation %s, the request %s", e.Type, e.RequestID, e.Correlation, first)
			}
			correlations[e.RequestID] = e.Correlation
			if got[e.RequestID] == nil {
				got[e.RequestID] = caused{}
			}
			got[e.RequestID][strings.TrimSuffix(strings.TrimPrefix(e.Type, "igny8."), ".v1")]++
		}
		after = cursor
	}
	for request, want := range requests {
		for kind, n := range want {
			if got[request][kind] != n {
				t.Errorf("from %s followed %d of %s, want %d", request, got[request][kind], kind, n)
			}
		}
		for kind, n := range got[request] {
			if _, wanted := want[kind]; !wanted {
				t.Errorf("from %s followed %d of %s", request, n, kind)
			}
		}
		var most int
		for _, n := range got[request] {
			most += n
		}
		for _, filter := range []string{"request_id=" + request, "correlation_id=" + correlations[request]} {
			if events, _ := p.Get("system/events/?limit=1000&" + filter).Events(t); len(events) != most {
				t.Errorf("with %s the feed has %d events, want %d", filter, len(events), most)
			}
		}
	}
	for request := range got {
		for other := range got {
			if request != other && correlations[request] == correlations[other] {
				t.Errorf("%s and %s have one correlation", request, other)
			}
		}
	}
}
