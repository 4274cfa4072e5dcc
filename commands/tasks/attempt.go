package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/igny8/igny8/domain/tasks"
)

// run takes the task to its end, or to where another attempt goes on.
func (h *hold) run() {
	defer h.drop(ErrLost)
	began := time.Now()
	h.config.Metrics.TaskStarted(h.kind.Name, h.lease.Idle, h.lease.Waited)
	how, err := h.proceed()
	switch {
	case err == nil:
	case errors.Is(err, ErrLost):
		how = "lost"
		h.logger().WarnContext(h.own, "another attempt has the task")
	default:
		h.logger().ErrorContext(h.own, "a task cannot go on", slog.Any("error", err))
	}
	h.config.Metrics.TaskEnded(h.kind.Name, how, time.Since(began))
}

// proceed says how the attempt ended.
func (h *hold) proceed() (how string, err error) {
	var e ending
	switch {
	case h.lease.Ending != nil:
		if err := json.Unmarshal(h.lease.Ending, &e); err != nil {
			return "", fmt.Errorf("how the task ends: %w", err)
		}
	case h.lease.Cancel:
		e = ending{State: tasks.Cancelled}
	default:
		if err := h.record("started", h.lease.Attempt, start{h.lease.Attempt}); err != nil {
			return h.settle(err)
		}
		h.config.Step("started")
		if e, err = h.attempt(); err != nil {
			return h.giveBack(err)
		}
		if e.State != tasks.Succeeded && e.State != tasks.Cancelled && !e.Refused && h.lease.Attempt < h.lease.LastAttempt {
			return h.again(e)
		}
	}
	return h.finish(e)
}

// attempt works until there is a result, or none.
func (h *hold) attempt() (ending, error) {
	e := ending{Attempt: h.lease.Attempt}
	if h.lease.Attempt > h.lease.LastAttempt {
		e.State, e.Code = tasks.Failed, "worker_lost"
		e.Message = "The work was cut off each time it was tried. Try it again later; if it happens again, tell us the id of this job."
		return e, nil
	}
	ctx, cancel := context.WithTimeoutCause(h.work, h.lease.Limit, errTimeUp)
	defer cancel()
	result, err := h.try(ctx)
	if err != nil {
		return h.failure(context.Cause(ctx), err)
	}
	e.State, e.Result, e.Done = tasks.Succeeded, result, h.done()
	return e, nil
}

var errTimeUp = errors.New("the task's time is over")

// try works out what follows, keeps that, and makes commands of it.
func (h *hold) try(ctx context.Context) (result json.RawMessage, err error) {
	out := h.lease.Out
	if out == nil && h.kind.work != nil {
		out, err = h.call(ctx, func(ctx context.Context) (json.RawMessage, error) {
			return h.kind.work(ctx, h.trial, h.lease.Input)
		})
		if err != nil {
			return nil, err
		}
		h.config.Step("done")
		err = h.persist(func(ctx context.Context) error { return h.seat.Keep(ctx, h.lease, OutPart, out) }) //nolint:contextcheck // what is worked out is kept though its time is over.
		if err != nil {
			return nil, err
		}
		h.config.Step("kept")
	}
	return h.call(ctx, func(ctx context.Context) (json.RawMessage, error) {
		result, err := h.kind.apply(ctx, h.trial, h.lease.Input, out)
		if err != nil {
			return nil, err
		}
		h.config.Step("applied")
		return json.Marshal(result)
	})
}
