package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEveryMeasurementWorks runs all of them, too small to mean anything.
func TestEveryMeasurementWorks(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "igny8")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../igny8")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out bytes.Buffer
	tiny := sizes{while: 140 * time.Millisecond, events: 12_000, full: 2_000, many: 700}
	if err := run(t.Context(), binary, nil, tiny, &tableOf{out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, what := range []string{
		"cold start", "idle memory", "its reader, at 100 events/s", "its reader, at 10k events/s", "appends, 128 callers", "hot stream", "created", "states to be read", "create over HTTP", "page of 25 over HTTP", "page of 25 from the read model",
		"keywords imported", "keywords clustered", "rebuild of 10", "catch-up", "a page of 25 of", "events in the log",
	} {
		if !strings.Contains(out.String(), what) {
			t.Errorf("nothing is said about %q:\n%s", what, out.String())
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("a figure is not a number:\n%s", out.String())
	}
}
