package e2etest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// summary is what a demonstration ends with.
type summary struct {
	Account    string `json:"account_id"`
	Rows       int64  `json:"rows"`
	Imported   int64  `json:"keywords_imported"`
	Rejected   int64  `json:"keywords_rejected"`
	Duplicates int64  `json:"duplicates"`
	Clusters   int64  `json:"clusters"`
	Credits    int64  `json:"credits_spent"`
	Events     int64  `json:"events"`
	Seconds    float64
}

// summarised reads the one JSON object that is all of standard output.
func summarised(t *testing.T, r e2etest.Result) summary {
	t.Helper()
	var s summary
	d := json.NewDecoder(strings.NewReader(r.Stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || r.Code != 0 {
		t.Fatalf("code %d: %v\n%s\n%s", r.Code, err, r.Stdout, r.Stderr)
	}
	if strings.Count(r.Stdout, "\n") != 1 || d.More() {
		t.Errorf("standard output has more than one line: %q", r.Stdout)
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(r.Stdout), &keys); err != nil || len(keys) != 9 {
		t.Errorf("it has the keys %v: %v", keys, err)
	}
	if s.Rows != s.Imported+s.Rejected+s.Duplicates || s.Account == "" || s.Seconds <= 0 {
		t.Errorf("it adds up to %+v", s)
	}
	return s
}

// written is a file with a text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADemonstrationEndsWithOneObjectThatTheLogConfirms(t *testing.T) {
	t.Parallel()
	dir := e2etest.Folder(t)
	first := written(t, "first.csv", "Keyword,Volume\nbuy espresso machine,100\nespresso machine price,50\nBUY espresso  machine,1\n,3\nhow to descale,10\n")
	second := written(t, "second.csv", "Suchbegriff;Suchvolumen\nespresso machine price;60\nmilk frother;1.300\n")
	s := summarised(t, program.Run(t, "", "demo", "--data="+dir, "--keywords="+first, "--keywords", second, "--json"))
	if s.Rows != 7 || s.Imported != 4 || s.Duplicates != 2 || s.Rejected != 1 || s.Clusters < 1 || s.Credits < 1 {
		t.Errorf("it counts %+v", s)
	}
	events, credits := logOf(t, dir, s.Account)
	if s.Events != events || s.Credits != credits {
		t.Errorf("it says %d events and %d credits, the log has %d and %d", s.Events, s.Credits, events, credits)
	}
	again := summarised(t, program.Run(t, "", "demo", "--data="+dir, "--keywords="+first, "--json"))
	events, credits = logOf(t, dir, again.Account)
	if again.Account == s.Account || again.Rows != 5 || again.Imported != 3 || again.Events != events || again.Credits != credits || events <= s.Events {
		t.Errorf("the second one says %+v, the log %d events and %d credits", again, events, credits)
	}
}

// logOf counts a folder's events and the credits that an account was charged.
func logOf(t *testing.T, dir, account string) (events, credits int64) {
	t.Helper()
	r := program.Run(t, dir, "events", "pull", "--limit=0", "--json")
	for line := range strings.Lines(r.Stdout) {
		var e struct {
			Account string
			Type    string
			Data    struct{ Credits, Amount, Charged int64 }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if events++; e.Type == "billing.ledger.committed.v1" && strings.Contains(line, account) {
			credits += e.Data.Credits + e.Data.Amount + e.Data.Charged
		}
	}
	if events == 0 {
		t.Fatalf("no events: %+v", r)
	}
	return events, credits
}

// leftBehind are the temporary folders of demonstrations.
func leftBehind(t *testing.T, temp string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(temp, "igny8-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestADemonstrationLeavesNothingBehindHoweverItEnds(t *testing.T) {
	t.Parallel()
	good := written(t, "good.csv", "Keyword\nmoka pot\n")
	for name, c := range map[string]struct {
		files []string
		code  int
		says  []string
	}{
		"well":                {[]string{good}, 0, nil},
		"without keywords":    {[]string{good, written(t, "dates.csv", "Date;Clicks\n1;2\n")}, 1, []string{`No column of keywords was found in "dates.csv"`, `"Date", "Clicks"`}},
		"with nothing in it":  {[]string{written(t, "empty.csv", "")}, 1, []string{`"empty.csv" is empty`}},
		"with no such file":   {[]string{good, "/nowhere/keywords.csv"}, 2, []string{"/nowhere/keywords.csv", "no such file"}},
		"with a folder":       {[]string{t.TempDir()}, 2, []string{"is a folder"}},
		"with no file at all": {[]string{""}, 2, []string{"is a folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := e2etest.Folder(t)
			args := []string{"demo", "--json"}
			for _, file := range c.files {
				args = append(args, "--keywords="+file)
			}
			r := program.In(temp).Run(t, "", args...)
			if r.Code != c.code {
				t.Fatalf("code %d, want %d: %s", r.Code, c.code, r.Stderr)
			}
			if c.code == 0 {
				summarised(t, r)
			} else if r.Stdout != "" {
				t.Errorf("standard output has %q", r.Stdout)
			}
			last := r.Stderr[strings.LastIndex(r.Stderr[:max(0, len(r.Stderr)-1)], "\n")+1:]
			for _, part := range c.says {
				if !strings.HasPrefix(last, "igny8: ") || !strings.Contains(last, part) {
					t.Errorf("it says %q, want %q", last, part)
				}
			}
			if left := leftBehind(t, temp); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// until notes when a text was written.
type until struct {
	text string
	met  chan struct{}

	mu   sync.Mutex
	all  bytes.Buffer
	done bool
}

func (u *until) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all.Write(p)
	if !u.done && bytes.Contains(u.all.Bytes(), []byte(u.text)) {
		u.done = true
		close(u.met)
	}
	return len(p), nil
}

func (u *until) tail() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	text := u.all.String()
	return text[max(0, len(text)-1000):]
}

func TestAnInterruptedDemonstrationStopsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	file := written(t, "many.csv", numbered(60_000))
	for n, moment := range []string{"migrated", `"projection":"tasks_tasks`, "POST"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			temp := e2etest.Folder(t)
			cmd := program.In(temp).Command(t, "", "demo", "--json", "--log-level=info", "--keywords="+file)
			var stdout bytes.Buffer
			stderr := &until{text: moment, met: make(chan struct{})}
			cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, stderr, time.Minute
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-stderr.met:
			case <-time.After(time.Minute):
				t.Errorf("it never says %q", moment)
			}
			if err := cmd.Process.Signal([]os.Signal{syscall.SIGINT, syscall.SIGTERM}[n%2]); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its code is looked at.
			if code := cmd.ProcessState.ExitCode(); code != 1 || stdout.Len() > 0 {
				t.Errorf("it ends with %d and says %q: %s", code, stdout.String(), stderr.tail())
			}
			if left := leftBehind(t, temp); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			if !slices.Contains(strings.Split(stderr.tail(), "\n"), "igny8: interrupted") {
				t.Errorf("it does not say that it was interrupted: %s", stderr.tail())
			}
		})
	}
}
