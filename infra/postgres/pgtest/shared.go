package pgtest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres/internal/cluster"
	"github.com/igny8/igny8/migrations"
)

// layout names what a shared folder holds; change it when that changes.
const layout = "1"

//go:embed watch.sh
var watch string

// acquire is a connection to the shared server, as its superuser. It starts the
// server if it is down, and makes the template if it is missing; a file lock
// lets one process at a time do so.
func acquire(ctx context.Context) (*pgx.Conn, error) {
	dir, err := folder()
	if err != nil {
		return nil, fmt.Errorf("folder of the shared server: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the shared server: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := flock(lock); err != nil {
		return nil, fmt.Errorf("lock the shared server: %w", err)
	}
	if err := register(dir); err != nil {
		return nil, fmt.Errorf("register with the shared server: %w", err)
	}
	conn, err := running(ctx, dir)
	if err != nil {
		if err := start(ctx, dir); err != nil {
			return nil, fmt.Errorf("start the shared server: %w", err)
		}
		if conn, err = running(ctx, dir); err != nil {
			return nil, fmt.Errorf("start the shared server: %w", err)
		}
	}
	if err := prepareTemplate(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

func flock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// folder is a folder of ours in the temporary directory; one that somebody else
// made under our name is passed over.
func folder() (string, error) {
	var last error
	for n := range 10 {
		dir := filepath.Join(os.TempDir(), fmt.Sprintf("igny8-pgtest-%s-%d-%d", layout, os.Getuid(), n))
		if last = os.Mkdir(dir, 0o711); last != nil && !errors.Is(last, fs.ErrExist) { //nolint:gosec // G301: the server's account walks through it.
			return "", last
		}
		info, err := os.Lstat(dir)
		if err != nil {
			return "", err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && info.IsDir() && int(st.Uid) == os.Getuid() {
			return dir, os.MkdirAll(filepath.Join(dir, "users"), 0o700)
		}
	}
	return "", last
}

// register makes the watcher keep the server while this process lives.
func register(dir string) error {
	return os.WriteFile(filepath.Join(dir, "users", strconv.Itoa(os.Getpid())), nil, 0o600)
}

func running(ctx context.Context, dir string) (*pgx.Conn, error) {
	server, err := os.ReadFile(filepath.Join(dir, "url"))
	if err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, string(server))
}

// start makes a new cluster, so that nothing an earlier run or a crash of the
// machine left can matter, and leaves its server and its watcher running.
func start(ctx context.Context, dir string) error {
	data := filepath.Join(dir, "postgres")
	if err := cluster.StopStray(ctx, data, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	c, err := cluster.Open(ctx, cluster.Options{Dir: data, Disposable: true})
	if err != nil {
		return err
	}
	defer c.Close()
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	server := c.Command(context.WithoutCancel(ctx))
	server.Stdout, server.Stderr = log, log
	server.SysProcAttr.Setsid = true
	if err := server.Start(); err != nil {
		return err
	}
	watcher := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watch, "watch", strconv.Itoa(server.Process.Pid)) //nolint:gosec // G204: our own script.
	watcher.Dir = dir
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := watcher.Start(); err != nil {
		return errors.Join(err, server.Process.Signal(syscall.SIGQUIT))
	}
	go func() { _ = server.Wait() }()
	go func() { _ = watcher.Wait() }()
	if err := c.WaitReady(ctx); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w; it said:\n%s", err, said)
	}
	return os.WriteFile(filepath.Join(dir, "url"), []byte(c.URL("postgres")), 0o600)
}

func templateName() (string, error) {
	fingerprint, err := migrations.Fingerprint()
	return "template_" + fingerprint, err
}

// prepareTemplate migrates a database that New clones, once for each schema. It
// also drops what tests that were killed left.
func prepareTemplate(ctx context.Context, conn *pgx.Conn) error {
	name, err := templateName()
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, "select datname from pg_database where datname like 't\\_%' or datname = $1", name)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	made := false
	for _, found := range names {
		if found == name {
			made = true
		} else if abandoned(found) {
			if _, err := conn.Exec(ctx, "drop database if exists "+found+" with (force)"); err != nil {
				return err
			}
		}
	}
	if made {
		return nil
	}
	return makeTemplate(ctx, conn, name)
}

// abandoned tells whether the process whose number is in the database's name is
// gone.
func abandoned(name string) bool {
	pid, err := strconv.Atoi(strings.Split(name, "_")[1])
	return err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func makeTemplate(ctx context.Context, conn *pgx.Conn, name string) error {
	fresh := name + "_new"
	for _, sql := range []string{
		"drop database if exists " + fresh + " with (force)",
		"create database " + fresh + " template template0",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("template: %w", err)
		}
	}
	admin, err := inDatabase(conn.Config().ConnString(), fresh)
	if err != nil {
		return err
	}
	if _, err := migrations.Up(ctx, admin, MasterKey(), slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	if _, err := conn.Exec(ctx, "alter database "+fresh+" rename to "+name); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	return nil
}

func inDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
