package e2etest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// TestWhatHappensToAnImportMeanwhile cancels imports, deletes what they are for,
// and plays a dead one again.
func TestWhatHappensToAnImportMeanwhile(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	t.Run("over the plan", func(t *testing.T) { t.Parallel(); overThePlan(t, i) })
	t.Run("cancelled", func(t *testing.T) { t.Parallel(); cancelled(t, i) })
	t.Run("its sector is deleted", func(t *testing.T) { t.Parallel(); sectorDeleted(t, i) })
	t.Run("dead and played again", func(t *testing.T) { t.Parallel(); playedAgain(t, i) })
}

func overThePlan(t *testing.T, i *e2etest.Installation) {
	t.Helper()
	p := plant(t, i, "greedy")
	j := p.Await(p.Import(http.StatusAccepted, p.upload("many.csv", numbered(50_000)), nil).Job(t).ID)
	r := j.Imported(t)
	if r.Rows != 50_000 || r.Imported != 500 || r.Rejected != 49_500 || len(r.Errors) != 1 || r.Errors[0].Row != 502 || r.Errors[0].LastRow != 50_001 ||
		r.Errors[0].Code != "plan_limit" || !strings.Contains(r.Errors[0].Message, "The plan allows 500 keywords") {
		t.Errorf("it says %s", j.Result)
	}
	counts(t, p.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1", nil, j.Token).List(t), 500)
}

// long is a file whose import takes long enough to be met.
func long() string {
	return numbered(400) + strings.Repeat("a keyword that is there many times,1\n", 400_000)
}

// met waits until an import works and has imported something.
func met(t *testing.T, p planter) e2etest.Job {
	t.Helper()
	id := p.Import(http.StatusAccepted, p.upload("long.csv", long()), nil).Job(t).ID
	var j e2etest.Job
	e2etest.Eventually(t, "the import works", func() bool {
		j = p.Get("system/jobs/" + id + "/").Job(t)
		return j.Ended() || j.State == "running" && j.Progress.Done > 0
	})
	if j.Ended() {
		t.Fatalf("it was too quick: %+v", j)
	}
	return j
}

func cancelled(t *testing.T, i *e2etest.Installation) {
	t.Helper()
	p := plant(t, i, "hesitant")
	j := met(t, p)
	p.Do(http.StatusOK, "DELETE", "system/jobs/"+j.ID+"/", nil, nil)
	j = p.Await(j.ID)
	if j.State != "cancelled" {
		t.Fatalf("it %s: %+v", j.State, j.Error)
	}
	n := *p.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1", nil, j.Token).List(t).Count
	if n == 0 || n > 401 {
		t.Errorf("%d keywords are there: what is done by then stays", n)
	}
	again := p.Await(p.Import(http.StatusAccepted, p.upload("short.csv", numbered(400)), nil).Job(t).ID).Imported(t)
	if again.Imported+again.Duplicates != 400 {
		t.Errorf("afterwards it imports %+v", again)
	}
	p.Do(http.StatusConflict, "POST", "system/tasks/"+j.ID+"/replay/", nil, nil)
}

func sectorDeleted(t *testing.T, i *e2etest.Installation) {
	t.Helper()
	p := plant(t, i, "rash")
	j := met(t, p)
	p.Do(http.StatusOK, "DELETE", "auth/sectors/"+p.sector+"/", nil, nil)
	j = p.Await(j.ID)
	if j.State != "failed" || !strings.Contains(j.Error.Message, "There is no such sector in this site") {
		t.Errorf("it %s: %+v %s", j.State, j.Error, j.Result)
	}
	p.Import(http.StatusBadRequest, p.upload("late.csv", numbered(10)), nil)
	e2etest.Eventually(t, "no keyword is left", func() bool {
		return *p.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1", nil, j.Token).List(t).Count == 0
	})
	if found := internals.FindString(string(j.Result)); found != "" || j.Error != nil && internals.MatchString(j.Error.Message) {
		t.Errorf("it tells %s %+v", j.Result, j.Error)
	}
}

func playedAgain(t *testing.T, i *e2etest.Installation) {
	t.Helper()
	p := plant(t, i, "stubborn")
	j := p.Await(p.Import(http.StatusAccepted, p.upload("dates.csv", "Date,Clicks\n1,2\n"), nil).Job(t).ID)
	if j.State != "failed" {
		t.Fatalf("it %s", j.State)
	}
	dead := p.Do(http.StatusOK, "GET", "system/tasks/?state=dead", nil, j.Token)
	counts(t, dead.List(t), 1)
	p.Do(http.StatusOK, "POST", "system/tasks/"+j.ID+"/replay/", nil, nil)
	var again e2etest.Answer
	e2etest.Eventually(t, "it is dead again", func() bool {
		again = p.Get("system/tasks/" + j.ID + "/")
		return p.Get("system/jobs/" + j.ID + "/").Job(t).Ended()
	})
	if j = p.Await(j.ID); j.State != "failed" || !strings.Contains(j.Error.Message, "No column of keywords") {
		t.Errorf("played again it is %+v: %s", j, again)
	}
}
