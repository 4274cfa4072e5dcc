package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
)

// ending is how a task ends, as it is kept before anybody is told.
type ending struct {
	State   tasks.State     `json:"state"`
	Attempt int             `json:"attempt"`
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Done    int64           `json:"done,omitempty"`
	// Refused says that it failed for what it was asked with.
	Refused bool `json:"refused,omitempty"`
}

// giveBack leaves the task to others.
func (h *hold) giveBack(cause error) (string, error) {
	if !errors.Is(cause, errStopping) {
		return "", cause
	}
	return "returned", h.persist(func(ctx context.Context) error { return h.seat.Retry(ctx, h.lease, 0, true) })
}

// again records that the attempt failed, and has another one follow later.
func (h *hold) again(e ending) (string, error) {
	var payload any = fail{attempt: e.Attempt, code: e.Code, message: e.Message}
	if e.State == tasks.TimedOut {
		payload = timeOut{attempt: e.Attempt}
	}
	if err := h.record("failed", e.Attempt, payload); err != nil {
		return h.settle(err)
	}
	return "retried", h.retry(false)
}

func (h *hold) retry(unused bool) error {
	after := h.config.Backoff(h.lease.Attempt)
	err := h.persist(func(ctx context.Context) error { return h.seat.Retry(ctx, h.lease, after, unused) })
	if err == nil {
		bell := h.config.Bell
		time.AfterFunc(after+time.Millisecond, func() { bell.Ring("") })
	}
	return err
}

// finish ends the task for good. What is kept first lets whoever must go on from
// any step go on to the same end.
func (h *hold) finish(e ending) (string, error) {
	if h.kind.ended != nil {
		if err := h.tellEnded(e); err != nil {
			if errors.Is(err, ErrLost) {
				return "", err
			}
			h.logger().ErrorContext(h.own, "a task cannot end yet", slog.Any("error", err))
			return "retried", h.retry(true)
		}
	}
	payload := any(stop{})
	switch e.State {
	case tasks.Succeeded:
		payload = succeed{e.Attempt, e.Result, e.Done}
	case tasks.Failed:
		payload = fail{attempt: e.Attempt, code: e.Code, message: e.Message, final: true}
	case tasks.TimedOut:
		payload = timeOut{attempt: e.Attempt, final: true}
	case tasks.Cancelled, tasks.Queued, tasks.Running:
	}
	h.config.Step("ending")
	if err := h.record("ended", e.Attempt, payload); err != nil {
		return h.settle(err)
	}
	h.config.Step("ended")
	return string(e.State), h.persist(func(ctx context.Context) error {
		if e.State.Dead() {
			return h.seat.Bury(ctx, h.lease, e.Refused)
		}
		return h.seat.Remove(ctx, h.lease)
	})
}

// ending bounds what a kind does at the end of its tasks.
const endingTime = 30 * time.Second

// tellEnded keeps how the task ends, and tells its kind.
func (h *hold) tellEnded(e ending) error {
	if h.lease.Ending == nil {
		kept, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("how the task ends: %w", err)
		}
		err = h.persist(func(ctx context.Context) error { return h.seat.Keep(ctx, h.lease, EndingPart, kept) })
		if err != nil {
			return err
		}
		h.config.Step("decided")
	}
	ctx, cancel := context.WithTimeout(h.own, endingTime)
	defer cancel()
	_, err := h.call(ctx, func(ctx context.Context) (json.RawMessage, error) {
		return nil, h.kind.ended(ctx, h.trial, h.lease.Input, e.State)
	})
	return err
}

// settle puts the task away as its events say that it ended.
func (h *hold) settle(cause error) (string, error) {
	if errors.Is(cause, ErrLost) {
		return "", cause
	}
	var t tasks.Task
	err := h.persist(func(ctx context.Context) (err error) {
		t, err = commands.Load(ctx, h.config.Bus, tasks.Kind, h.lease.Tenant.Account, h.lease.Task)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case t.State.Dead():
		return string(t.State), h.persist(func(ctx context.Context) error { return h.seat.Bury(ctx, h.lease, false) })
	case t.State.Ended(), !t.Live():
		return string(t.State), h.persist(func(ctx context.Context) error { return h.seat.Remove(ctx, h.lease) })
	}
	h.logger().ErrorContext(h.own, "a task's row and its events do not agree", slog.Any("error", cause))
	return "retried", h.retry(true)
}

// record writes one of the task's events, once for the attempt.
func (h *hold) record(what string, attempt int, payload any) error {
	return h.persist(func(ctx context.Context) error {
		_, err := h.config.Bus.Do(ctx, commands.Request{
			Tenant: h.lease.Tenant, Actor: es.System(), Target: h.lease.Task,
			Command: es.Derive(h.lease.Task, what, attempt),
			Request: h.lease.Request, Correlation: h.lease.Correlation, Causation: h.lease.Causation,
			Payload: payload,
		})
		return err
	})
}

// persist does what must be done as long as the lease is ours, as often as it
// takes. Errors: ErrLost, and refusals.
func (h *hold) persist(f func(context.Context) error) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		ctx, cancel := context.WithTimeout(h.own, h.config.Lease)
		err := f(ctx)
		cancel()
		switch {
		case err == nil, errors.Is(err, ErrLost), refused(err):
			return err
		case h.own.Err() != nil:
			return ErrLost
		}
		h.logger().WarnContext(h.own, "a step of a task is tried again", slog.Any("error", err))
		pause(h.own, wait)
	}
}
