package postgres_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

const (
	appenders = 3
	readers   = 3
	onslaught = 12 * time.Second
)

// Several processes append and several read while all of them, Postgres's
// processes and Postgres itself are killed at random moments.
func TestNothingIsLostDoubledOrOutOfOrderWhateverIsKilled(t *testing.T) {
	t.Parallel()
	s := pgtest.NewServer(t)
	dir := t.TempDir()
	var cast []*actor
	for i := range appenders {
		cast = append(cast, start(t, s.AdminURL, "append", filepath.Join(dir, fmt.Sprint("append", i))))
	}
	for i := range readers {
		cast = append(cast, start(t, s.AdminURL, "read", filepath.Join(dir, fmt.Sprint("read", i))))
	}

	kills := attack(t, s, cast)
	for _, a := range cast[:appenders] {
		a.end(t)
	}
	for _, a := range cast[:appenders] {
		answerAllTries(t, s, a.file)
	}
	stored := wholeLog(t, s)
	for _, a := range cast[appenders:] {
		a.catchUp(t, int64(len(stored)))
		a.end(t)
		wantSeen(t, a.file, stored)
	}
	acked := 0
	for _, a := range cast[:appenders] {
		acked += wantAcknowledged(t, a.file, stored)
	}
	t.Logf("%v; %d events, %d acknowledged appends, Postgres restarted %d times", kills, len(stored), acked, s.Process.Restarts())
	if acked < 100 || s.Process.Restarts() < 2 {
		t.Errorf("too little happened to prove anything")
	}
}

// attack kills something every now and then, until the onslaught is over.
func attack(t *testing.T, s *pgtest.Server, cast []*actor) map[string]int {
	kills := map[string]int{}
	quarter := onslaught / 4
	for begin := time.Now(); time.Since(begin) < onslaught; time.Sleep(100*time.Millisecond + rand.N(300*time.Millisecond)) {
		a := cast[rand.N(len(cast))]
		a.kill(t)
		a.start(t)
		kills[a.part]++
		switch wanted := int(time.Since(begin) / quarter); {
		case kills["postgres"] < wanted && kills["postgres"] < 2:
			s.Kill9()
			kills["postgres"]++
		case kills["backend"] < wanted:
			kills["backend"] += killBackend(t, s)
		}
	}
	return kills
}

// killBackend kills the server process that works for an appender; Postgres
// then restarts all of its processes. It gives the number of kills.
func killBackend(t *testing.T, s *pgtest.Server) int {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var pid int
	err := s.Postgres.Pool(database.RoleAppender).
		QueryRow(ctx, "SELECT pid FROM pg_stat_activity WHERE usename = 'igny8_appender' AND pid <> pg_backend_pid() LIMIT 1").Scan(&pid)
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return 0
	}
	return 1
}

// actor is a process that the test starts, kills and starts again.
type actor struct {
	url, part, file string
	cmd             *exec.Cmd
	stdin           io.Closer
}

func start(t *testing.T, url, part, file string) *actor {
	a := &actor{url: url, part: part, file: file}
	a.start(t)
	t.Cleanup(func() { _ = a.cmd.Process.Kill() })
	return a
}

func (a *actor) start(t *testing.T) {
	a.cmd = exec.Command(os.Args[0])
	a.cmd.Env = append(os.Environ(), partEnv+"="+a.part, urlEnv+"="+a.url, fileEnv+"="+a.file)
	a.cmd.Stderr = os.Stderr
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.stdin = stdin
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (a *actor) kill(t *testing.T) {
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatalf("%s was gone before it was killed: %v", a.part, err)
	}
	_ = a.cmd.Wait() // it was killed
}

// end lets the process finish what it does.
func (a *actor) end(t *testing.T) {
	_ = a.stdin.Close()
	if err := a.cmd.Wait(); err != nil {
		t.Fatalf("%s ended with %v", a.part, err)
	}
}

// catchUp waits until a reader wrote down the head.
func (a *actor) catchUp(t *testing.T, head int64) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		lines, err := readSeen(a.file)
		if err == nil && len(lines) > 0 && lines[len(lines)-1].position >= head {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a reader saw %d events (%v), the head is %d", len(lines), err, head)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// answerAllTries repeats what the last process of a journal left unanswered.
func answerAllTries(t *testing.T, s *pgtest.Server, path string) {
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.file.Close() }()
	store := postgres.NewStore(s.Postgres.Pool(database.RoleAppender))
	defer store.Close()
	if err := repeatUnanswered(t.Context(), store, j); err != nil {
		t.Fatal(err)
	}
}

// wholeLog reads the log, which must be dense, in the order of its streams, and
// hold no append by half.
func wholeLog(t *testing.T, s *pgtest.Server) []es.Recorded {
	log := postgres.NewLog(s.Postgres.Pool(database.RoleProjector))
	defer log.Close()
	var events []es.Recorded
	at := map[es.StreamID]int64{}
	for {
		page, err := log.Read(t.Context(), int64(len(events)), es.Filter{}, 5000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) == 0 {
			return events
		}
		for _, e := range page.Events {
			at[e.Stream]++
			if e.Position != int64(len(events))+1 || e.Revision != at[e.Stream] {
				t.Fatalf("event %d of the log is at position %d, revision %d of %s", len(events)+1, e.Position, e.Revision, e.Stream)
			}
			events = append(events, e)
		}
	}
}

func wantSeen(t *testing.T, path string, stored []es.Recorded) {
	lines, err := readSeen(path)
	if err != nil || len(lines) != len(stored) {
		t.Fatalf("a reader saw %d events (%v), %d are stored", len(lines), err, len(stored))
	}
	for i, line := range lines {
		if line.position != stored[i].Position || line.id != stored[i].ID.String() {
			t.Fatalf("a reader's event %d is %s at %d, stored is %s", i+1, line.id, line.position, stored[i].ID)
		}
	}
}

// wantAcknowledged fails unless every try of a journal is stored whole and
// once, where its answer said. It gives the number of answers.
func wantAcknowledged(t *testing.T, path string, stored []es.Recorded) (acked int) {
	appends, words, err := readJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	events := map[es.ID][]es.Recorded{}
	for _, e := range stored {
		events[e.Command] = append(events[e.Command], e)
	}
	for command, a := range appends {
		got := events[command]
		switch {
		case !a.acked:
			t.Errorf("the command %s was never answered", command)
			continue
		case len(got) != a.n:
			t.Errorf("the command %s wrote %d events, %d are stored", command, a.n, len(got))
			continue
		}
		if last := got[a.n-1]; last.Position != a.position || last.Revision != a.revision {
			t.Errorf("the command %s was answered position %d and revision %d, stored is %d and %d", command, a.position, a.revision, last.Position, last.Revision)
		}
		acked++
	}
	t.Logf("%s: %v", filepath.Base(path), words)
	if words["wrong"] > 0 || words["stale"] == 0 || words["refused"] == 0 || words["left"]+words["unknown"] == 0 {
		t.Errorf("answers of %s: %v", filepath.Base(path), words)
	}
	return acked
}
