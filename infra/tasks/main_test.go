package tasks_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// childEnv holds the address of the database in a process that is a worker.
const childEnv = "IGNY8_TASKS_TEST_DATABASE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		if err := work(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// work is a process that does tasks until it is killed. It tells each attempt.
func work(url string) error {
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgres.Options{URL: url, MasterKey: pgtest.MasterKey()})
	if err != nil {
		return err
	}
	r := &process{T: &testing.T{}}
	rig := openRig(r, db, told(os.Stdout, "child"))
	c := rig.config()
	c.Slots = 2
	return tasks.NewWorker(c).Run(ctx)
}

// process is a testing.TB of a process that is no test.
type process struct{ *testing.T }

func (*process) Helper()        {}
func (*process) Cleanup(func()) {}

// told is a kind that says which attempt begins where, and waits for its task to be
// let go.
func told(to *os.File, who string) tasks.Kind {
	return tasks.Declare("test.told", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Do: func(ctx context.Context, run *tasks.Run, in input) (output, error) {
			_, _ = fmt.Fprintf(to, "%s attempt %d\n", who, run.Attempt)
			if who != "child" {
				return output{Sum: run.Attempt}, nil
			}
			time.Sleep(time.Duration(in.N) * time.Millisecond)
			err := run.Save(context.WithoutCancel(ctx), output{Sum: 666})
			_, _ = fmt.Fprintf(to, "%s saved: %v\n", who, err)
			return output{Sum: 666}, nil
		},
		Apply: func(_ context.Context, _ *tasks.Run, _ input, out output) (any, error) {
			_, _ = fmt.Fprintf(to, "%s applies %d\n", who, out.Sum)
			return out, nil
		},
	})
}

// child starts such a process, and gives the lines that it writes.
func child(t testing.TB, url string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		var rest string
		buf := make([]byte, 1024)
		for {
			n, err := out.Read(buf)
			rest += string(buf[:n])
			for {
				line, after, ok := strings.Cut(rest, "\n")
				if !ok {
					break
				}
				lines <- line
				rest = after
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, lines
}

// says waits for a line.
func says(t testing.TB, lines <-chan string, want string) {
	t.Helper()
	select {
	case line := <-lines:
		if line != want {
			t.Fatalf("the process says %q, want %q", line, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the process never said %q", want)
	}
}
