package pgserver

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// serverLog passes the server's log lines on, and keeps the last ones to
// explain a failed start.
type serverLog struct {
	ctx context.Context
	log *slog.Logger

	mu   sync.Mutex
	rest []byte
	last []string
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.line(strings.TrimSpace(string(line)))
		l.rest = rest
	}
}

func (l *serverLog) line(line string) {
	const kept = 10
	l.last = append(l.last, line)
	if len(l.last) > kept {
		l.last = slices.Delete(l.last, 0, 1)
	}
	level := slog.LevelDebug
	switch severity, _, _ := strings.Cut(line, ":"); severity {
	case "PANIC":
		level = slog.LevelError
	case "WARNING":
		level = slog.LevelWarn
	}
	l.log.Log(l.ctx, level, "postgres", slog.String("line", line))
}

// explain adds the last lines of the log to the server's end.
func (l *serverLog) explain(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		return fmt.Errorf("PostgreSQL was shut down by somebody else; it said:\n%s", strings.Join(l.last, "\n"))
	}
	return fmt.Errorf("PostgreSQL ended: %w; it said:\n%s", err, strings.Join(l.last, "\n"))
}
