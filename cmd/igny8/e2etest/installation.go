package e2etest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 90 * time.Second
	stopLimit  = 30 * time.Second
)

// Installation is a data folder and the igny8 that serves from it, over as many
// starts as a test makes. It is safe for concurrent use, so that clients go on
// while it is killed.
type Installation struct {
	Dir string

	t        testing.TB
	program  Program
	settings []string
	log      log
	secrets  secrets
	allowed  []string // beginnings of error messages that the test provokes

	mu     sync.Mutex
	serves *serving
	url    string
}

// serving is one process.
type serving struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Install makes an empty data folder. At the test's end what still serves there
// is stopped, its log is searched for errors that nobody expects and for
// secrets, and the folder goes.
func Install(t testing.TB, p Program, settings ...string) *Installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "igny8-e2e-*") // short, so that the database's socket fits in
	if err != nil {
		t.Fatal(err)
	}
	i := &Installation{Dir: dir, t: t, program: p, settings: settings}
	t.Cleanup(func() {
		i.Stop()
		i.log.check(t, i.secrets.all(), i.allowed)
		if t.Failed() {
			t.Logf("the end of its log:\n%s", i.log.tail())
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return i
}

// Allow takes errors in the log whose message starts with one of these for the
// test's own doing.
func (i *Installation) Allow(messages ...string) { i.allowed = append(i.allowed, messages...) }

// Start serves from the folder and returns once it listens.
func (i *Installation) Start() *Installation {
	i.t.Helper()
	line := i.Launch()
	s := i.current()
	select {
	case line := <-line:
		url, ok := strings.CutPrefix(line, "listening on ")
		if !ok {
			i.t.Fatalf("its first line is %q", line)
		}
		i.mu.Lock()
		i.url = url
		i.mu.Unlock()
	case <-s.ended:
		i.t.Fatalf("igny8 serve ended before it listened: %s\n%s", s.cmd.ProcessState, i.log.tail())
	case <-time.After(startLimit):
		i.t.Fatalf("igny8 serve does not listen after %s\n%s", startLimit, i.log.tail())
	}
	return i
}

// Launch starts what is not to live long, and gives its first line if that
// comes.
func (i *Installation) Launch() <-chan string {
	i.t.Helper()
	cmd := i.program.command(context.WithoutCancel(i.t.Context()), i.Dir, i.settings, "serve")
	out := &firstLine{line: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, &i.log, stopLimit
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	s := &serving{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its state.
		close(s.ended)
	}()
	i.mu.Lock()
	i.serves = s
	i.mu.Unlock()
	return out.line
}

// URL is where it listens, or listened last.
func (i *Installation) URL() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.url
}

// Kill ends the serving process with SIGKILL, and nothing else.
func (i *Installation) Kill() {
	i.t.Helper()
	s := i.current()
	if err := s.cmd.Process.Kill(); err != nil {
		i.t.Fatal(err)
	}
	<-s.ended
}

// Died waits until the process has killed itself.
func (i *Installation) Died() {
	i.t.Helper()
	s := i.current()
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		i.t.Fatalf("igny8 was to kill itself and still lives after %s", stopLimit)
	}
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		i.t.Fatalf("igny8 was to kill itself, but: %s\n%s", s.cmd.ProcessState, i.log.tail())
	}
}

// Stop ends it with SIGTERM, as an operator does, and says how long that took;
// what is not running stays so. It must end by itself with exit code 0.
func (i *Installation) Stop() time.Duration {
	i.t.Helper()
	s := i.current()
	if s == nil {
		return 0
	}
	select {
	case <-s.ended:
		return 0
	default:
	}
	from := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		i.t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		_ = s.cmd.Process.Kill()
		i.t.Fatalf("igny8 did not stop within %s of SIGTERM", stopLimit)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		i.t.Errorf("igny8 stopped with: %s\n%s", s.cmd.ProcessState, i.log.tail())
	}
	return time.Since(from)
}

func (i *Installation) current() *serving {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.serves
}

// Run runs another command of the program in the folder.
func (i *Installation) Run(args ...string) Result {
	i.t.Helper()
	return i.program.Run(i.t, i.Dir, args...)
}

// Postgres are the processes of the folder's database; only Linux tells.
func (i *Installation) Postgres() []int {
	i.t.Helper()
	data, err := filepath.EvalSymlinks(filepath.Join(i.Dir, "postgres", "data"))
	if err != nil {
		i.t.Fatal(err)
	}
	return processesIn(data)
}
