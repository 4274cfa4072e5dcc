package tasks_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	domain "github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func devNull(t testing.TB) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestTheTasksOfAProcessThatIsKilledAreTakenOverAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	k := told(devNull(t), "other")
	r := openRig(t, db.Postgres, k)
	r.react()
	cmd, lines := child(t, db.AdminURL)
	account := uuid.New()
	task := r.queue(k, account, input{N: 60_000})
	says(t, lines, "child attempt 1")
	r.worker(r.config())
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	last, _ := r.ended(account, task)
	t.Logf("taken over and done %s after the kill", time.Since(from))
	if s, _ := last.(domain.TaskSucceeded); s.Attempt != 2 || text(s.Result) != `{"sum":2}` {
		t.Errorf("%+v after %s", last, r.types(account, task))
	}
}

func TestAProcessThatWasFrozenChangesNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	k := told(devNull(t), "other")
	r := openRig(t, db.Postgres, k)
	r.react()
	cmd, lines := child(t, db.AdminURL)
	account := uuid.New()
	task := r.queue(k, account, input{N: 500})
	says(t, lines, "child attempt 1")
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	r.worker(r.config())
	r.ended(account, task)
	took := time.Since(from)
	t.Logf("taken over and done %s after the freeze", took)
	if took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	before := r.types(account, task)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-lines:
		if !strings.HasPrefix(line, "child saved: ") || line == "child saved: <nil>" {
			t.Errorf("on waking the process says %q", line)
		}
	case <-time.After(20 * time.Second):
		t.Error("the process did not wake")
	}
	time.Sleep(300 * time.Millisecond) // for what must not happen.
	if now := r.types(account, task); now != before || now != "queued started started succeeded" {
		t.Errorf("%s, and before it woke %s", now, before)
	}
	select {
	case line := <-lines:
		t.Errorf("then it says %q", line)
	default:
	}
	if last, _ := r.ended(account, task); text(last.(domain.TaskSucceeded).Result) != `{"sum":2}` {
		t.Errorf("%+v", last)
	}
}
