package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// grace is how long a stray server gets for a clean shutdown before it is
// killed; its data is then recovered from the log, so nothing is lost.
const grace = 20 * time.Second

// Processes are the pids of all of the server's processes. Only Linux tells.
func (c *Cluster) Processes() []int { return processesIn(c.data()) }

// StopStray does what the function does, for this cluster.
func (c *Cluster) StopStray(ctx context.Context) error {
	return StopStray(ctx, c.opts.Dir, c.opts.Log)
}

// StopStray stops what a killed holder of this folder left running: a server
// cleanly, then backends that lost theirs. It also removes a postmaster.pid
// whose number now belongs to some other process, which PostgreSQL would take
// for a running server. With nothing there it does nothing. The caller must
// hold the lock on the folder.
func StopStray(ctx context.Context, dir string, log *slog.Logger) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	data := dataFolder(dir)
	pid, err := postmaster(data)
	if err != nil {
		return err
	}
	if pid != 0 && isServer(pid, data) {
		log.WarnContext(ctx, "stopping a PostgreSQL that outlived its igny8", slog.Int("pid", pid))
		if err := stop(ctx, pid, data); err != nil {
			return err
		}
	}
	for _, orphan := range processesIn(data) {
		if err := syscall.Kill(orphan, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop orphaned backend %d of PostgreSQL: %w", orphan, err)
		}
		if err := waitGone(ctx, orphan, data, grace); err != nil {
			return err
		}
	}
	if err := os.Remove(pidFile(data)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stale postmaster.pid: %w", err)
	}
	return nil
}

func pidFile(data string) string { return filepath.Join(data, "postmaster.pid") }

// postmaster is the pid that the data directory names, 0 for none.
func postmaster(data string) (int, error) {
	text, err := os.ReadFile(pidFile(data))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("postmaster.pid: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line)))
	if err != nil {
		return 0, nil //nolint:nilerr // a torn file names nobody.
	}
	return pid, nil
}

func stop(ctx context.Context, pid int, data string) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop PostgreSQL %d: %w", pid, err)
		}
		err := waitGone(ctx, pid, data, grace)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("PostgreSQL %d does not stop", pid)
}

func waitGone(ctx context.Context, pid int, data string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for isServer(pid, data) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL %d to end: %w", pid, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
