package pgserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/igny8/igny8/infra/postgres/pgserver"
)

const holdVariable = "PGSERVER_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		if err := hold(dir); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// hold is the process that tests kill: it runs a server until its standard
// input ends.
func hold(dir string) error {
	s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: dir, NoDownload: true})
	if err != nil {
		return err
	}
	fmt.Printf("pid %d\nurl %s\n", s.PID(), s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Stop()
}

// holder is such a process, once its server runs.
type holder struct {
	cmd   *exec.Cmd
	stdin io.Closer
	pid   int // of PostgreSQL
	url   string
}

func startHolder(t *testing.T, binary, dir string, as *syscall.Credential) *holder {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), holdVariable+"="+dir)
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &holder{cmd: cmd, stdin: stdin}
	lines := bufio.NewScanner(stdout)
	for h.url == "" && lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "pid":
			h.pid, _ = strconv.Atoi(rest)
		case "url":
			h.url = rest
		case "failed:":
			t.Fatal(rest)
		}
	}
	if h.url == "" {
		t.Fatal("the holder ended without a word")
	}
	return h
}

func TestKill9OfTheHolderLosesNothingAndLeavesNoServerBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := 1; n <= 2; n++ {
		h := startHolder(t, os.Args[0], dir, nil)
		keep(t, h.url, n)
		if err := h.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = h.cmd.Wait()
		if n == 2 && runtime.GOOS == "linux" {
			until(t, "the end of PostgreSQL", func() bool { return !alive(h.pid) })
		}
	}
	s := start(t, dir)
	if n := count(t, s.URL(), "kept"); n != 2 {
		t.Errorf("%d rows after kill -9 of the holder, want 2", n)
	}
}

func TestRunsAsAnUnprivilegedUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		stop(t, start(t, t.TempDir())) // we are one
		return
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "pgserver-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary := filepath.Join(dir, "holder")
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	h := startHolder(t, binary, data, &syscall.Credential{Uid: nobody, Gid: nobody})
	keep(t, h.url, 1)
	if err := h.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Errorf("the holder did not stop cleanly: %v", err)
	}
	s := start(t, data) // and root takes the same folder over
	if n := count(t, s.URL(), "kept"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func keep(t *testing.T, url string, n int) {
	t.Helper()
	execSQL(t, url, fmt.Sprintf("create table if not exists kept (n int); insert into kept values (%d)", n))
}
