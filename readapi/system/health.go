// Package system serves what belongs to no module: whether the process lives
// and is ready, and the feed of an account's events.
package system

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

// Check is one thing that must be right before requests should come. Func's
// *es.Error is shown to whoever asks; any other error only in the log.
type Check struct {
	Name string // "postgres", "projections"
	Func func(context.Context) error
	// Degrades marks what hurts some accounts only: it is named, and requests
	// may come all the same.
	Degrades bool
}

// checkTime bounds all checks of one request.
const checkTime = 2 * time.Second

// Health is the answer of a process that is well.
type Health struct {
	Status string `json:"status" enum:"ok,degraded"`
	// Degraded names what is wrong for some.
	Degraded map[string][]string `json:"degraded,omitempty"`
}

// MountHealth mounts GET /livez (the process answers), and GET /readyz and
// GET /api/v1/system/health/ (every check passes, else 503 not_ready with the
// failed checks' names in errors; where only checks failed that degrade it is
// 200 and names them in degraded).
func MountHealth(api *readapi.API, logger *slog.Logger, checks ...Check) {
	readapi.Handle(api, readapi.Route{
		Method: http.MethodGet, Path: "/livez", Name: "livez", Public: true, Unthrottled: true,
		Summary: "Does the process answer?",
	}, func(context.Context, *struct{}) (*Health, error) { return &Health{Status: "ok"}, nil })

	ready := func(ctx context.Context, _ *struct{}) (*Health, error) {
		failed, degraded := runChecks(ctx, logger, checks)
		switch {
		case len(failed) > 0:
			return nil, &es.Error{Class: es.Unavailable, Code: "not_ready", Message: "Not ready.", Fields: failed}
		case len(degraded) > 0:
			return &Health{Status: "degraded", Degraded: degraded}, nil
		}
		return &Health{Status: "ok"}, nil
	}
	readiness := readapi.Route{
		Method: http.MethodGet, Path: "/readyz", Name: "readyz", Public: true, Unthrottled: true,
		Summary: "Is all that it needs well?",
	}
	readapi.Handle(api, readiness, ready)
	readiness.Path, readiness.Name = "system/health/", "system.health"
	readapi.Handle(api, readiness, ready)
}

// runChecks runs the checks at the same time and names those that failed.
func runChecks(ctx context.Context, logger *slog.Logger, checks []Check) (failed, degraded map[string][]string) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	results := make([]error, len(checks))
	var group sync.WaitGroup
	for i, check := range checks {
		group.Go(func() { results[i] = check.Func(ctx) })
	}
	group.Wait()
	failed, degraded = map[string][]string{}, map[string][]string{}
	for i, err := range results {
		if err == nil {
			continue
		}
		name, shown := checks[i].Name, "It does not work."
		var told *es.Error
		if errors.As(err, &told) {
			shown = told.Message
		}
		if checks[i].Degrades {
			degraded[name] = []string{shown}
		} else {
			failed[name] = []string{shown}
		}
		logger.WarnContext(ctx, "not ready", slog.String("check", name), slog.String("error", err.Error()))
	}
	return failed, degraded
}
