package pgserver_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres/internal/cluster"
	"github.com/igny8/igny8/infra/postgres/pgserver"
)

func start(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, NoDownload: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *pgserver.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func execSQL(t *testing.T, url, sql string) {
	t.Helper()
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, url, table string) int {
	t.Helper()
	var n int
	if err := connect(t, url).QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// until waits for a condition, and fails the test where it does not come.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-limit:
			t.Fatalf("never came: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestStartsFromNothingAndKeepsItsDataOverACleanStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := time.Now()
	s := start(t, dir)
	t.Logf("from nothing: %v", time.Since(began))
	execSQL(t, s.URL(), "create table kept (n int); insert into kept values (1)")
	pid, url := s.PID(), s.URL()
	stop(t, s)
	stop(t, s)
	if alive(pid) {
		t.Errorf("PostgreSQL %d is still there after Stop", pid)
	}
	began = time.Now()
	s = start(t, dir)
	t.Logf("again: %v", time.Since(began))
	if s.URL() != url {
		t.Error("the address changed over a restart")
	}
	if n := count(t, s.URL(), "kept"); n != 1 {
		t.Errorf("%d rows after a restart, want 1", n)
	}
}

func TestSettingsKeepDataSafeAndTheNetworkOut(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	conn := connect(t, s.URL())
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"listen_addresses": "", "password_encryption": "scram-sha-256", "jit": "off",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	config := conn.Config().Copy()
	config.Password = "guess"
	if _, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Error("a wrong password was let in")
	}
}

func TestRefusesASecondStartOnTheSameFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir)
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
	var inUse *pgserver.InUseError
	if !errors.As(err, &inUse) {
		t.Fatalf("got %v, want an InUseError", err)
	}
	for _, part := range []string{dir, "process " + strconv.Itoa(os.Getpid()), "--data"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not tell %q", err, part)
		}
	}
}

func TestComesBackByItselfAfterKill9OfPostgres(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	execSQL(t, s.URL(), "create table kept (n int)")
	for n := 1; n <= 2; n++ {
		execSQL(t, s.URL(), "insert into kept values (1)")
		pid := s.PID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "a new server", func() bool { return s.PID() != 0 && s.PID() != pid })
		if err := s.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count(t, s.URL(), "kept"); got != n {
			t.Errorf("%d rows after kill -9, want %d", got, n)
		}
	}
	if s.Restarts() < 2 {
		t.Errorf("%d restarts counted, want at least 2", s.Restarts())
	}
}

func TestStopsAServerThatOutlivedItsHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	execSQL(t, s.URL(), "create table kept (n int); insert into kept values (1)")
	stop(t, s)

	c, err := cluster.Open(t.Context(), cluster.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	stray := c.Command(t.Context())
	if err := stray.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stray.Wait() }()
	if err := c.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}

	s = start(t, dir)
	if err := <-ended; err != nil {
		t.Errorf("the stray server was not stopped cleanly: %v", err)
	}
	if n := count(t, s.URL(), "kept"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestStartsBesideAPidFileThatNamesSomebodyElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop(t, start(t, dir))
	pidFile := filepath.Join(dir, "postgres", "data", "postmaster.pid")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestStartsAfterAnInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	half := filepath.Join(dir, "postgres", "data.new")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestStartsInAFolderWhosePathIsTooLongForASocket(t *testing.T) {
	t.Parallel()
	start(t, filepath.Join(t.TempDir(), strings.Repeat("long", 30)))
}

func TestStartsInAFolderThatAnybodyMayEnter(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "pgserver-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestSaysWhichVersionItsDataNeeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "postgres", "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, NoDownload: true})
	if !errors.Is(err, pgserver.ErrNoBinaries) || !strings.Contains(err.Error(), "PostgreSQL 9.6") {
		t.Errorf("got %v, want ErrNoBinaries that tells 9.6", err)
	}
}

func TestABadSettingFailsTheStartWithWhatPostgresSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := pgserver.Start(t.Context(), pgserver.Options{
		Dir: dir, NoDownload: true, Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"max_connections": "'many'"},
	})
	if err == nil || !strings.Contains(err.Error(), "max_connections") {
		t.Errorf("got %v, want an error about max_connections", err)
	}
	start(t, dir)
}
