// Package e2etest runs the igny8 program as people do, for tests: a process, a
// data folder of its own with its private Postgres, and clients that speak HTTP
// to it. It sees what they see and nothing else, save the log, which it reads at
// the end for what must not be in there.
package e2etest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Program is how igny8 is started.
type Program struct {
	Path string
	Env  []string // besides the settings, as NAME=value
}

// Build compiles the program into dir, with the race detector where the test
// has it.
func Build(dir string) (Program, error) {
	path := filepath.Join(dir, "igny8")
	args := []string{"build", "-o", path}
	if raced {
		args = append(args, "-race")
	}
	args = append(args, "github.com/igny8/igny8/cmd/igny8")
	cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // G204: the compiler, on this module.
	if out, err := cmd.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("building igny8: %w\n%s", err, out)
	}
	return Program{Path: path}, nil
}

// command is a run of the program in the data folder with settings, which win
// over those that suit tests: free ports, no throttles, no metrics.
func (p Program) command(ctx context.Context, dir string, settings []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Path, args...) //nolint:gosec // G204: the program under test.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	cmd.Env = append(cmd.Env, "IGNY8_LISTEN=127.0.0.1:0", "IGNY8_METRICS_LISTEN=off", "IGNY8_THROTTLES=off")
	if dir != "" {
		cmd.Env = append(cmd.Env, "IGNY8_DATA="+dir)
	}
	cmd.Env = append(append(cmd.Env, p.Env...), settings...)
	return cmd
}

// Folder is an empty one that goes at the test's end; short, so that a
// database's socket fits in.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "igny8-e2e-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// In is the program with a folder of its own for temporary files.
func (p Program) In(temp string) Program {
	p.Env = append(slices.Clone(p.Env), "TMPDIR="+temp)
	return p
}

// Command is a run that the test starts and ends itself; without a data folder it
// has none.
func (p Program) Command(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	return p.command(context.WithoutCancel(t.Context()), dir, nil, args...)
}

// Result is what a run of the program said before it ended.
type Result struct {
	Stdout, Stderr string
	Code           int // -1 where a signal ended it
}

// Run runs the program to its end in the data folder.
func (p Program) Run(t testing.TB, dir string, args ...string) Result {
	t.Helper()
	cmd := p.command(context.WithoutCancel(t.Context()), dir, nil, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("igny8 %v: %v", args, err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
