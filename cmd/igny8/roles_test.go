package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/postgres/pgserver"
)

func TestEachRoleCanBeAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	program := e2etest.Program{Path: os.Args[0], Env: []string{testProcess + "=mortal"}}
	install := func(role string) *e2etest.Installation {
		return e2etest.Install(t, program, "DATABASE_URL="+server.URL(), "IGNY8_ROLES="+role, "IGNY8_MASTER_KEY_FILE="+filepath.Join(dir, "master.key"))
	}
	api := install("api").Start()
	for _, role := range []string{"projector", "consumer", "worker", "scheduler"} {
		install(role).Launch()
	}
	c := api.SignUp(t, "grace")
	site, in := sector(t, c)
	job := jobOf(t, sendsFile(c, site, in, "keyword,volume\npen,1\nred pen,2\nblue pen,3\n")())
	var done e2etest.Answer
	e2etest.Eventually(t, "a worker of another process does the import", func() bool {
		done = c.Get("system/jobs/" + job.ID + "/")
		return jobOf(t, done).ended()
	})
	var report planner.ImportReport
	if err := json.Unmarshal(jobOf(t, done).Result, &report); err != nil || report.Imported != 3 {
		t.Errorf("the import came to %s: %v", done, err)
	}
	asOf := e2etest.Header{"X-Consistency-Token": done.Header.Get("X-Consistency-Token"), "Prefer": "wait=5"}
	if n := countOf(t, c.Do(http.StatusOK, "GET", "planner/keywords/", nil, asOf)); n != 3 {
		t.Errorf("%d keywords are listed", n)
	}
}
