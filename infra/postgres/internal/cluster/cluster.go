// Package cluster prepares a private PostgreSQL data directory and makes the
// commands that run a server on it: it finds the binaries, drops to an
// unprivileged user when we are root, and runs initdb once. It keeps no process
// of its own: pgserver supervises one, pgtest shares one between test binaries.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Superuser is the bootstrap superuser of every private cluster.
const Superuser = "postgres"

// Options say where a cluster lives and how it treats its data.
type Options struct {
	// Dir is the cluster's folder; it is made, with mode 0700, when absent.
	Dir string
	// Disposable trades the data's safety for speed: no fsync, no checksums.
	// For tests only.
	Disposable bool
	// Settings are further lines for postgresql.conf, which win over ours.
	Settings map[string]string
	// Cache is where PostgreSQL's binaries are downloaded to when none are
	// installed; "" refuses instead of downloading.
	Cache string
	Log   *slog.Logger
}

// Cluster is a prepared data directory.
type Cluster struct {
	opts     Options
	bin      string
	account  *account
	handle   *os.File // Dir opened by root, where the account cannot walk to it
	password string
	sockets  string
}

// Open prepares the cluster in opts.Dir: binaries, rights, initdb if that was
// not done, settings. The caller must hold a lock on the folder. Opening again
// keeps data and password, and writes the settings anew.
func Open(ctx context.Context, opts Options) (*Cluster, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	opts.Dir = dir
	c := &Cluster{opts: opts}
	if err := c.prepare(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) prepare(ctx context.Context) error {
	major, err := dataVersion(c.data())
	if err != nil {
		return err
	}
	if c.bin, err = findBinaries(ctx, major, c.opts.Cache, c.opts.Log); err != nil {
		return err
	}
	if c.account, err = chooseAccount(c.opts.Dir); err != nil {
		return err
	}
	if err := c.own(); err != nil {
		return err
	}
	if c.password, err = c.loadPassword(); err != nil {
		return err
	}
	if c.sockets, err = c.socketFolder(); err != nil {
		return err
	}
	if major == "" {
		if err := c.initdb(ctx); err != nil {
			return err
		}
	}
	return c.writeSettings(ctx)
}

// Close lets go of what Open holds; the data stays, and so does a server.
func (c *Cluster) Close() {
	if c.handle != nil {
		_ = c.handle.Close()
	}
}

// Command is the server in the foreground; it logs to standard error. An
// interrupt, as the end of ctx sends, is PostgreSQL's fast shutdown.
func (c *Cluster) Command(ctx context.Context) *exec.Cmd {
	cmd := c.command(ctx, "postgres", "-D", filepath.Join(c.seen(), "data"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

// URL is the address of a database of this cluster for its superuser.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, c.password), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.sockets}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Version is the installed server's text, such as "postgres (PostgreSQL) 15.18".
func (c *Cluster) Version(ctx context.Context) (string, error) {
	out, err := c.command(ctx, "postgres", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("version of PostgreSQL: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// WaitReady returns once the server answers a query, or ctx ends.
func (c *Cluster) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			err = conn.Ping(ctx)
			_ = conn.Close(ctx)
			if err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL in %s does not answer: %w", c.opts.Dir, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

func (c *Cluster) data() string { return dataFolder(c.opts.Dir) }

func dataFolder(dir string) string { return filepath.Join(dir, "data") }

// seen is the folder as the server's account can open it.
func (c *Cluster) seen() string {
	if c.handle != nil {
		return "/proc/self/fd/3"
	}
	return c.opts.Dir
}

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...) //nolint:gosec // G204: our own binaries and arguments.
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGDATA=")
	cmd.SysProcAttr = c.account.attributes()
	if c.handle != nil {
		cmd.ExtraFiles = []*os.File{c.handle}
	}
	return cmd
}

func (c *Cluster) initdb(ctx context.Context) error {
	const fresh = "data.new"
	staging := filepath.Join(c.opts.Dir, fresh)
	if err := os.RemoveAll(staging); err != nil {
		return fmt.Errorf("initdb: clear what an interrupted one left: %w", err)
	}
	pw := filepath.Join(c.opts.Dir, "initdb.password")
	if err := os.WriteFile(pw, []byte(c.password), 0o600); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	defer func() { _ = os.Remove(pw) }()
	if err := c.account.chown(pw); err != nil {
		return err
	}
	args := []string{
		"-D", filepath.Join(c.seen(), fresh), "-U", Superuser, "--auth=scram-sha-256",
		"--pwfile=" + filepath.Join(c.seen(), filepath.Base(pw)),
		"--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if c.opts.Disposable {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	if out, err := c.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s: %w\n%s", c.opts.Dir, err, out)
	}
	if err := os.Rename(staging, c.data()); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	return nil
}

func (c *Cluster) loadPassword() (string, error) {
	path := filepath.Join(c.opts.Dir, "password")
	kept, err := os.ReadFile(path)
	if err == nil && len(kept) > 0 {
		return string(kept), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("password of PostgreSQL: %w", err)
	}
	raw := make([]byte, 24)
	_, _ = rand.Read(raw)
	made := base64.RawURLEncoding.EncodeToString(raw)
	if err := writeFile(path, []byte(made), 0o600); err != nil {
		return "", fmt.Errorf("password of PostgreSQL: %w", err)
	}
	return made, nil
}

// writeFile replaces a file in one step and syncs it, so that a crash leaves
// the old or the new one.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
