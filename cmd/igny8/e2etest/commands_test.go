package e2etest_test

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

func TestImportAndClusterWorkAgainstAServerOfSomebodyElse(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	p := plant(t, i, "clara")
	files := exports(t)[:2]
	as := func(token string, args ...string) e2etest.Result {
		t.Helper()
		user := program
		user.Env = []string{"IGNY8_SERVER=" + i.URL(), "IGNY8_TOKEN=" + token}
		return user.Run(t, "", append([]string{args[0], "--site=" + p.site, "--sector=" + p.sector}, args[1:]...)...)
	}
	for name, c := range map[string]struct {
		result e2etest.Result
		code   int
		says   string
	}{
		"a wrong token":       {as("wrong", "import", files[0]), 1, "401"},
		"no token":            {as("", "import", files[0]), 2, "IGNY8_TOKEN"},
		"no such file":        {as(p.Access, "import", files[0], "/nowhere.csv"), 2, "/nowhere.csv"},
		"no server":           {as(p.Access, "import", files[0], "--server=http://127.0.0.1:1"), 1, "no server is reached at http://127.0.0.1:1"},
		"no address":          {as(p.Access, "cluster", "--server=nonsense"), 2, "no address"},
		"nothing to cluster":  {as(p.Access, "cluster", "--json"), 1, "Every keyword of this sector is in a cluster already"},
		"another's sector":    {as(p.Access, "import", files[0], "--sector="+p.site), 1, "sector"},
		"a country of no one": {as(p.Access, "import", files[0], "--country=Atlantis"), 1, "country"},
	} {
		if c.result.Code != c.code || c.result.Stdout != "" || !strings.Contains(c.result.Stderr, c.says) || internals.MatchString(c.result.Stderr) {
			t.Errorf("%s: %+v", name, c.result)
		}
	}
	counts(t, p.Get("system/jobs/").List(t), 0)

	r := as(p.Access, "import", files[0], files[1], "--json")
	var imported struct{ Files []e2etest.Imported }
	if err := json.Unmarshal([]byte(r.Stdout), &imported); err != nil || r.Code != 0 || r.Stderr != "" || len(imported.Files) != 2 {
		t.Fatalf("%v: %+v", err, r)
	}
	total := imported.Files[0].Imported + imported.Files[1].Imported
	if r := as(p.Access, "import", files[0]); r.Code != 0 || !strings.Contains(r.Stdout, filepath.Base(files[0])) || !strings.Contains(r.Stderr, "importing") {
		t.Errorf("%+v", r)
	}
	r = as(p.Access, "cluster", "--json")
	var report struct{ Mapped, Credits int64 }
	if err := json.Unmarshal([]byte(r.Stdout), &report); err != nil || r.Code != 0 || r.Stderr != "" || report.Mapped != total || report.Credits < 1 {
		t.Errorf("%v: %+v, want %d keywords", err, r, total)
	}
}

var (
	shownToken = regexp.MustCompile(`(?m)^TOKEN=\S+$`)
	shownCurls = regexp.MustCompile(`(?m)^curl .*$`)
)

// TestWhatServePrintsToTryWorks runs the printed lines as a newcomer does, on an
// empty store and on one that is not.
func TestWhatServePrintsToTryWorks(t *testing.T) {
	t.Parallel()
	dir := e2etest.Folder(t)
	text, stop := examplesOf(t, dir)
	lines := shownCurls.FindAllString(text, -1)
	token := shownToken.FindString(text)
	if len(lines) != 3 || token == "" {
		t.Fatalf("it prints %s", text)
	}
	for n, want := range []string{`"keywords_count"`, `"operation":"clustering"`, `"type":"igny8.planner.cluster.created.v1"`} {
		if out := bash(t, token+"\n"+strings.Replace(lines[n], "curl ", "curl --max-time 3 ", 1)); !strings.Contains(out, want) {
			t.Errorf("%s\nanswers without %q: %.500s", lines[n], want, out)
		}
	}
	if renew := regexp.MustCompile(`curl .*auth/login/.*`).FindString(text); !strings.Contains(bash(t, renew), `"access_token"`) {
		t.Errorf("%s\nanswers no token", renew)
	}
	page := regexp.MustCompile(`http://\S+/docs/`).FindString(text)
	if out := bash(t, "curl -s "+page); !strings.Contains(strings.ToLower(out), "<!doctype html") {
		t.Errorf("the docs page %q is %.200s", page, out)
	}
	stop()

	text, stop = examplesOf(t, dir)
	defer stop()
	script := text[strings.Index(text, "\nTOKEN="):strings.Index(text, "\nEvery route")]
	if out := bash(t, script); strings.Count(out, `"success":true`) != 2 || !strings.Contains(out, "igny8.tenancy.site.created.v1") {
		t.Errorf("%s\nanswers %s", script, out)
	}
}

// examplesOf serves from a folder and gives all that is printed until it waits
// for requests.
func examplesOf(t *testing.T, dir string) (text string, stop func()) {
	t.Helper()
	cmd := program.Command(t, dir, "serve", "--examples")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	guard := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C stops") {
			return all.String(), stop
		}
	}
	t.Fatalf("it prints no more than %s", all.String())
	return "", nil
}

func bash(t *testing.T, script string) string {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), "bash", "-c", script).CombinedOutput() // a stream that curl leaves is no success.
	return string(out)
}
