// Package pgserver runs a private, real PostgreSQL in a data folder, so that one
// machine needs nothing set up. Its data is durable (fsync, synchronous commit,
// checksums); it listens on a unix socket only; it comes back by itself when it
// is killed, and never outlives the process that started it on Linux.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres/internal/cluster"
)

// Database is the database that Start makes.
const Database = "igny8"

// addressFile holds the server's address, with its password, for its owner only.
const addressFile = "postgres.url"

// ErrNoBinaries says that no usable PostgreSQL is installed, nor downloadable.
var ErrNoBinaries = cluster.ErrNoBinaries

const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
	stopLimit  = 30 * time.Second
)

// Options say where the server lives.
type Options struct {
	// Dir is the data folder of igny8; PostgreSQL's own is Dir/postgres.
	Dir string
	Log *slog.Logger
	// Settings are further lines of postgresql.conf, which win over ours. Values
	// are written as they are: quote texts.
	Settings map[string]string
	// NoDownload refuses to start, with ErrNoBinaries, where PostgreSQL is not
	// installed, instead of downloading it into Dir/postgres-binaries.
	NoDownload bool
}

// Server is a running PostgreSQL, restarted whenever it ends by itself.
type Server struct {
	cluster *cluster.Cluster
	lock    *folderLock
	log     *slog.Logger

	stop     chan struct{}
	stopped  chan struct{}
	stopping atomic.Bool
	pid      atomic.Int64
	restarts atomic.Int64
}

// Start locks the folder, prepares it (initdb the first time, about a second),
// stops whatever a killed igny8 left running there, starts the server and makes
// Database. It returns once the server answers. A folder that another live
// process holds is refused with an *InUseError.
func Start(ctx context.Context, opts Options) (*Server, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(dir, "postgres-binaries")
	if opts.NoDownload {
		cache = ""
	}
	c, err := cluster.Open(ctx, cluster.Options{
		Dir: filepath.Join(dir, "postgres"), Settings: opts.Settings, Cache: cache, Log: log,
	})
	if err != nil {
		lock.release()
		return nil, err
	}
	s := &Server{
		cluster: c, lock: lock, log: log,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) begin(ctx context.Context) error {
	if err := s.cluster.StopStray(ctx); err != nil {
		s.cluster.Close()
		s.lock.release()
		return err
	}
	first := make(chan error, 1)
	go s.supervise(context.WithoutCancel(ctx), first)

	ready, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case err := <-first:
			cancel(err)
		case <-ready.Done():
		}
	}()
	err := s.cluster.WaitReady(ready)
	if err == nil {
		err = errors.Join(s.makeDatabase(ctx), s.announce())
	} else if cause := context.Cause(ready); cause != nil {
		err = cause
	}
	cancel(nil)
	<-watching
	if err != nil {
		return errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.Stop())
	}
	return nil
}

// announce leaves the address where Attach finds it.
func (s *Server) announce() error {
	path := filepath.Join(s.lock.dir(), addressFile)
	if err := os.WriteFile(path, []byte(s.URL()), 0o600); err != nil {
		return fmt.Errorf("announce the server: %w", err)
	}
	return nil
}

// Attach gives the address of the server that another process runs in the
// folder, as URL does. Start's *InUseError says that there is one.
func Attach(dir string) (string, error) {
	url, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return "", fmt.Errorf("attach to the PostgreSQL in %s: %w", dir, err)
	}
	return string(url), nil
}

func (s *Server) makeDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.cluster.URL("postgres"))
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", Database).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, "create database "+Database)
	}
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// URL is the address of Database for the cluster's superuser. It stays the same
// over restarts, and holds a password.
func (s *Server) URL() string { return s.cluster.URL(Database) }

// WaitReady returns once the server answers, or ctx ends.
func (s *Server) WaitReady(ctx context.Context) error { return s.cluster.WaitReady(ctx) }

// PID is the server's process, 0 while it is down.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Processes are the pids of all of the server's processes; only Linux tells.
func (s *Server) Processes() []int { return s.cluster.Processes() }

// Restarts counts how often the server ended by itself and was started again.
func (s *Server) Restarts() int64 { return s.restarts.Load() }

// Stop shuts the server down cleanly (open transactions are rolled back), waits
// for its end and gives the folder free. Stopping again does nothing.
func (s *Server) Stop() error {
	if s.stopping.Swap(true) {
		<-s.stopped
		return nil
	}
	close(s.stop)
	<-s.stopped
	s.cluster.Close()
	s.lock.release()
	return nil
}

// supervise runs the server until Stop, starting it again, with growing pauses,
// whenever it ends. The end of the first run is reported on first.
func (s *Server) supervise(ctx context.Context, first chan<- error) {
	defer close(s.stopped)
	for pause := firstPause; ; {
		began := time.Now()
		err := s.run(ctx)
		if s.stopping.Load() {
			return
		}
		select {
		case first <- err:
		default:
		}
		if time.Since(began) > time.Minute {
			pause = firstPause
		}
		s.log.ErrorContext(ctx, "PostgreSQL ended by itself; starting it again",
			slog.Any("error", err), slog.Duration("pause", pause))
		select {
		case <-s.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
		s.restarts.Add(1)
	}
}

// run is one life of the server.
func (s *Server) run(ctx context.Context) error {
	if err := s.cluster.StopStray(ctx); err != nil {
		return err
	}
	cmd := s.cluster.Command(ctx)
	dieWithUs(cmd)
	out := &serverLog{ctx: ctx, log: s.log}
	cmd.Stderr = out
	// Orphaned backends keep standard error open; they must not delay a restart.
	cmd.WaitDelay = time.Second
	ended := make(chan error, 1)
	started := make(chan error, 1)
	go waitOnThread(cmd, started, ended)
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.pid.Store(int64(cmd.Process.Pid))
	defer s.pid.Store(0)
	select {
	case err := <-ended:
		return out.explain(err)
	case <-s.stop:
	}
	return shutDown(cmd.Process, ended)
}

// shutDown asks for a fast shutdown, then an immediate one, then kills.
func shutDown(process *os.Process, ended <-chan error) error {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(stopLimit):
		}
	}
	return <-ended
}
