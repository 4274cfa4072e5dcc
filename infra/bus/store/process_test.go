package store_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
	"github.com/igny8/igny8/infra/bus/bustest"
)

// The test binary is also the consumers that tests kill and freeze; these
// variables tell it so.
const (
	urlEnv  = "BUS_TEST_URL"
	fileEnv = "BUS_TEST_FILE"
)

func TestMain(m *testing.M) {
	if os.Getenv(urlEnv) == "" {
		os.Exit(m.Run())
	}
	if err := consumeUntilDone(os.Getenv(urlEnv), os.Getenv(fileEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// consumeUntilDone writes a line for each message and acknowledges it, until
// standard input ends, as it does when the test closes it or dies.
func consumeUntilDone(url, file string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	m, err := joinWith(url, "g", slog.Default())
	if err != nil {
		return err
	}
	messages, err := m.Subscribe(context.Background(), bustest.Topic)
	if err != nil {
		return err
	}
	go func() {
		for msg := range messages {
			go func() {
				rec, err := bus.Recorded(msg)
				if err != nil {
					panic(err)
				}
				if _, err := fmt.Fprintf(out, "%d %s %d %d\n", os.Getpid(), rec.Stream.ID, rec.Revision, time.Now().UnixNano()); err != nil {
					panic(err)
				}
				msg.Ack()
			}()
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	m.Leave()
	return nil
}

// consumer is a process that consumes.
type consumer struct {
	*exec.Cmd
	stderr string // a file
}

func start(t *testing.T, w *world, file string) consumer {
	t.Helper()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stderr.Close() }()
	c := consumer{exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]), stderr.Name()}
	c.Env = append(os.Environ(), urlEnv+"="+w.db.AdminURL, fileEnv+"="+file)
	c.Stderr = stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGCONT)
		_ = stdin.Close()
		_ = c.Wait()
	})
	return c
}

// line is what a consumer says of a message it handled.
type line struct {
	pid      int
	key      es.ID
	revision int64
	at       time.Time
}

func lines(t *testing.T, file string) (all []line) {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var (
			l   line
			key string
			at  int64
		)
		if _, err := fmt.Sscan(s.Text(), &l.pid, &key, &l.revision, &at); err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		l.key, l.at = uuid.MustParse(key), time.Unix(0, at)
		all = append(all, l)
	}
	return all
}

// load publishes round after round until stop, and gives the last revision.
func load(t *testing.T, w *world, keys []es.ID) (stop func() int64) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				w.Publish(t, keys...)
			}
		}
	}()
	var once sync.Once
	stop = func() int64 {
		once.Do(func() { close(done) })
		<-ended
		return w.Revision(keys[0])
	}
	t.Cleanup(func() { stop() })
	return stop
}

// theirs are the keys that the process handled last.
func theirs(all []line, pid int) map[es.ID]bool {
	last := map[es.ID]int{}
	for _, l := range all {
		last[l.key] = l.pid
	}
	keys := map[es.ID]bool{}
	for k, p := range last {
		if p == pid {
			keys[k] = true
		}
	}
	return keys
}

// takeOver waits until the other process handled each of the keys, and says how
// long after from.
func takeOver(t *testing.T, file string, keys map[es.ID]bool, other int, from time.Time) (took time.Duration) {
	t.Helper()
	eventually(t, "all is taken over", func() bool {
		first := map[es.ID]time.Time{}
		for _, l := range lines(t, file) {
			if l.pid == other && keys[l.key] && l.at.After(from) && first[l.key].IsZero() {
				first[l.key] = l.at
			}
		}
		took = 0
		for _, at := range first {
			took = max(took, at.Sub(from))
		}
		return len(first) == len(keys)
	})
	return took
}

// nothingLost waits until each key came to its last revision, and looks at the
// order: before an event, the one before it must have been handled.
func nothingLost(t *testing.T, file string, keys []es.ID, revision int64) {
	t.Helper()
	seen := map[es.ID]int64{}
	eventually(t, "everything is handled", func() bool {
		clear(seen)
		for _, l := range lines(t, file) {
			seen[l.key] = max(seen[l.key], l.revision)
		}
		for _, k := range keys {
			if seen[k] < revision {
				return false
			}
		}
		return true
	})
	clear(seen)
	repeats := 0
	for _, l := range lines(t, file) {
		if l.revision > seen[l.key]+1 {
			t.Fatalf("%s: revision %d came when only %d was handled", l.key, l.revision, seen[l.key])
		}
		if l.revision <= seen[l.key] {
			repeats++
		}
		seen[l.key] = max(seen[l.key], l.revision)
	}
	t.Logf("%d events, %d repeats", int64(len(keys))*revision, repeats)
}

// both waits until each process handled something, and gives the keys that were
// the first one's last.
func both(t *testing.T, file string, a, b int) (ofA map[es.ID]bool) {
	t.Helper()
	eventually(t, "both consume", func() bool {
		all := lines(t, file)
		ofA = theirs(all, a)
		return len(ofA) > 0 && len(theirs(all, b)) > 0
	})
	return ofA
}

func TestAProcessThatIsKilledUnderLoadIsReplacedInUnderASecond(t *testing.T) {
	t.Parallel()
	w, keys, file := newWorld(t), bustest.Keys(64), filepath.Join(t.TempDir(), "handled")
	a, b := start(t, w, file), start(t, w, file)
	stop := load(t, w, keys)
	both(t, file, a.Process.Pid, b.Process.Pid)
	time.Sleep(200 * time.Millisecond) // so that it dies in mid-stream.
	ofA := both(t, file, a.Process.Pid, b.Process.Pid)
	from := time.Now()
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	took := takeOver(t, file, ofA, b.Process.Pid, from)
	t.Logf("%d aggregates taken over after %s", len(ofA), took)
	if took > time.Second {
		t.Errorf("that is more than a second")
	}
	nothingLost(t, file, keys, stop())
}

func TestAProcessThatIsFrozenUnderLoadIsReplacedAndFencedWhenItWakes(t *testing.T) {
	t.Parallel()
	w, keys, file := newWorld(t), bustest.Keys(64), filepath.Join(t.TempDir(), "handled")
	a, b := start(t, w, file), start(t, w, file)
	stop := load(t, w, keys)
	both(t, file, a.Process.Pid, b.Process.Pid)
	time.Sleep(200 * time.Millisecond)
	ofA := both(t, file, a.Process.Pid, b.Process.Pid)
	from := time.Now()
	if err := a.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	took := takeOver(t, file, ofA, b.Process.Pid, from)
	t.Logf("%d aggregates taken over after %s", len(ofA), took)
	if took > 15*time.Second {
		t.Errorf("that is more than 15 seconds")
	}
	woken := time.Now()
	if err := a.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the woken one has a share again", func() bool {
		n := 0
		for _, l := range lines(t, file) {
			if l.pid == a.Process.Pid && l.at.After(woken) {
				n++
			}
		}
		return n > 200
	})
	nothingLost(t, file, keys, stop())
	if said, err := os.ReadFile(a.stderr); err != nil || !strings.Contains(string(said), "did not answer for longer than its lease") {
		t.Errorf("the woken one did not notice: %s", said)
	}
}

func TestWhoLostAPartitionWritesNoCheckpointOfIt(t *testing.T) {
	t.Parallel()
	w, keys := newWorld(t), bustest.Keys(40)
	m := w.Join(t, "g")
	messages, err := m.Subscribe(t.Context(), bustest.Topic)
	if err != nil {
		t.Fatal(err)
	}
	w.Publish(t, keys...)
	msg := <-messages
	owner := w.db.Postgres.Pool("igny8_owner")
	thief := uuid.New()
	session, err := owner.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Release()
	for _, sql := range []string{
		`SELECT pg_advisory_lock(hashtextextended('bus member ' || $1::uuid, 0))`,
		`INSERT INTO bus_members (id, groups, alive_until) VALUES ($1, '{g}', now() + interval '1 hour')`,
		`UPDATE bus_partitions SET owner = $1, epoch = epoch + 1`,
	} {
		if _, err := session.Exec(t.Context(), sql, thief); err != nil {
			t.Fatal(err)
		}
	}
	msg.Ack()
	eventually(t, "it noticed", func() bool { return msg.Context().Err() != nil })
	var moved, stolen int
	if err := session.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE position > 0), count(*) FILTER (WHERE owner = $1) FROM bus_partitions`, thief).
		Scan(&moved, &stolen); err != nil {
		t.Fatal(err)
	}
	if moved != 0 || stolen != 16 {
		t.Errorf("%d checkpoints moved, %d partitions are the other's", moved, stolen)
	}
}
