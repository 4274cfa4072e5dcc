package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
)

// hold is a worker's hold on one task.
type hold struct {
	*shift
	lease Lease
	kind  Kind
	trial *Run

	work context.Context //nolint:containedctx // of the attempt: it ends with its time, or when the task is cancelled or lost.
	stop context.CancelCauseFunc
	own  context.Context //nolint:containedctx // of the lease: it ends only when that is lost.
	drop context.CancelCauseFunc

	mu    sync.Mutex
	state json.RawMessage // what is saved
	at    Progress
	fresh bool
}

func newHold(s *shift, l Lease) *hold {
	h := &hold{shift: s, lease: l, kind: s.kinds[l.Kind], state: l.Saved}
	h.own, h.drop = context.WithCancelCause(s.held)
	h.work, h.stop = context.WithCancelCause(h.own)
	h.trial = &Run{
		Task: l.Task, Kind: l.Kind, Tenant: l.Tenant, Attempt: l.Attempt,
		Request: l.Request, Correlation: l.Correlation, Causation: l.Causation, Position: l.Position, attempt: h,
	}
	return h
}

// end has the attempt let go, for a reason.
func (h *hold) end(cause error) {
	if errors.Is(cause, ErrLost) {
		h.drop(cause)
	}
	h.stop(cause)
}

func (h *hold) logger() *slog.Logger {
	return h.config.Logger.With(slog.String("task", h.lease.Task.String()), slog.String("kind", h.lease.Kind),
		slog.Int("attempt", h.lease.Attempt), slog.String("request_id", h.lease.Request))
}

func (h *hold) progress(stage string, done, total int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := (Progress{stage, done, total}); p != h.at {
		h.at, h.fresh = p, true
	}
}

func (h *hold) done() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at.Done
}

// news is the progress, and whether it is newer than that of the last call.
func (h *hold) news() (Progress, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh := h.fresh
	h.fresh = false
	return h.at, fresh
}

func (h *hold) save(ctx context.Context, state json.RawMessage) error {
	if h.own.Err() != nil {
		return ErrLost
	}
	if err := h.seat.Keep(ctx, h.lease, SavedPart, state); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = state
	return nil
}

func (h *hold) saved() json.RawMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}
