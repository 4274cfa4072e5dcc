package pgtest

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
	"testing"

	"github.com/igny8/igny8/infra/postgres/pgserver"
	"github.com/igny8/igny8/migrations"
)

// Server is a durable PostgreSQL of one test, to kill and to start again.
type Server struct {
	*DB
	Process *pgserver.Server
	tb      testing.TB
	opts    pgserver.Options
}

// NewServer starts a durable server, exactly as the product does, with a
// migrated database, and stops it when the test ends. It takes about a second.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, opts: pgserver.Options{Dir: tb.TempDir(), NoDownload: true}}
	s.start()
	tb.Cleanup(func() {
		if err := s.Process.Stop(); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	})
	if _, err := migrations.Up(tb.Context(), s.Process.URL(), MasterKey(), slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	s.DB = open(tb, s.Process.URL())
	return s
}

// Kill9 kills every process of the server at once, as a power cut would. The
// server comes back by itself; Back waits for that.
func (s *Server) Kill9() {
	s.tb.Helper()
	for _, pid := range append([]int{s.Process.PID()}, s.Process.Processes()...) {
		if pid == 0 {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.tb.Fatalf("pgtest: %v", err)
		}
	}
}

// Back waits until the server answers again after Kill9.
func (s *Server) Back() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), setUp)
	defer cancel()
	if err := s.Process.WaitReady(ctx); err != nil {
		s.tb.Fatalf("pgtest: %v", err)
	}
}

// Restart stops the server cleanly and starts it on the same data.
func (s *Server) Restart() {
	s.tb.Helper()
	if err := s.Process.Stop(); err != nil {
		s.tb.Fatalf("pgtest: %v", err)
	}
	s.start()
}

func (s *Server) start() {
	s.tb.Helper()
	server, err := pgserver.Start(s.tb.Context(), s.opts)
	if err != nil {
		s.tb.Fatalf("pgtest: %v", err)
	}
	s.Process = server
}
