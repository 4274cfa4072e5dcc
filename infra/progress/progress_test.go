package progress_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/infra/progress"
)

// clock is moved by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time       { return c.now }
func (c *clock) Pass(d time.Duration) { c.now = c.now.Add(d) }
func newClock() *clock                { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func TestLinesComeAtMostEveryFiveSecondsAndOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	p := progress.New(&out, progress.Lines, "events", c.Now)
	p.Stage("reading the log", 100_000)
	for range 100 {
		c.Pass(100 * time.Millisecond)
		p.Add(1_000)
	}
	p.Finish()
	p.Finish()
	want := "reading the log 50,000 of 100,000 events, 50%, 10,000/s, 5s left\n" +
		"reading the log 100,000 of 100,000 events, 100%, 10,000/s\n" +
		"reading the log 100,000 of 100,000 events, 100%, 10,000/s, took 10s\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestABarIsDrawnOverAndLeavesOneLineAStage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	p := progress.New(&out, progress.Bar, "rows", c.Now)
	p.Stage("folding", 10)
	p.Set(5, 0)
	c.Pass(time.Second)
	p.Set(5, 0)
	p.Stage("indexing", 0)
	c.Pass(time.Second)
	p.Add(1_234_567)
	p.Finish()
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("%d lines: %q", len(lines), out.String())
	}
	drawn := strings.Split(lines[0], "\r")
	if got := strings.TrimSpace(drawn[len(drawn)-1]); got != "folding [############............] 5 of 10 rows, 50%, 5/s, took 1s" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(lines[0], "5/s, 1s left") {
		t.Errorf("no time left is shown: %q", lines[0])
	}
	drawn = strings.Split(lines[1], "\r")
	if got := strings.TrimSpace(drawn[len(drawn)-1]); got != "indexing 1,234,567 rows, 1,234,567/s, took 1s" {
		t.Errorf("got %q", got)
	}
}

func TestAShorterBarLeavesNothingOfALongerOne(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	p := progress.New(&out, progress.Bar, "rows", c.Now)
	p.Stage("folding", 1000)
	c.Pass(time.Hour)
	p.Set(1, 0)
	c.Pass(200 * time.Millisecond)
	p.Set(1000, 0)
	drawn := strings.Split(out.String(), "\r")
	before, after := drawn[len(drawn)-2], drawn[len(drawn)-1]
	if len(after) < len(strings.TrimRight(before, " ")) {
		t.Errorf("%q is not covered by %q", before, after)
	}
}

func TestNothingIsShownToPrograms(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	p := progress.New(&out, progress.Silent, "rows", c.Now)
	p.Stage("folding", 10)
	c.Pass(time.Minute)
	p.Add(10)
	p.Finish()
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}

func TestMoreThanTheTotalIsNoBarPastItsEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newClock()
	p := progress.New(&out, progress.Bar, "rows", c.Now)
	p.Stage("folding", 10)
	c.Pass(time.Second)
	p.Add(25)
	p.Finish()
	if !strings.Contains(out.String(), "[########################] 25 of 10 rows, 100%") {
		t.Errorf("got %q", out.String())
	}
}

type closedTerminal struct{}

func (closedTerminal) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestAClosedTerminalDoesNotStopTheWork(t *testing.T) {
	t.Parallel()
	p := progress.New(closedTerminal{}, progress.Bar, "rows", nil)
	p.Stage("folding", 10)
	p.Add(10)
	p.Finish()
}

func TestAFileGetsLinesAndJSONGetsNothing(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if got := progress.Detect(file, false); got != progress.Lines {
		t.Errorf("a file gets mode %d", got)
	}
	if got := progress.Detect(file, true); got != progress.Silent {
		t.Errorf("json gets mode %d", got)
	}
}
