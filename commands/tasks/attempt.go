package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
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
		err = h.persist(func(ctx context.Context) error { return h.seat.Keep(ctx, h.lease, OutPart, out) })
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

// call does work that may panic, or go on though its context has ended. Then it
// is left to itself: what it does by its context, and what it keeps, has no
// effect any more.
func (h *hold) call(ctx context.Context, f func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	type answer struct {
		value json.RawMessage
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			answers <- a
		}()
		a.value, a.err = f(ctx)
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(h.config.Grace)
	defer grace.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-grace.C:
	}
	h.config.Metrics.TaskAbandoned(h.kind.Name)
	h.logger().ErrorContext(h.own, "a task goes on though it was told to end; it is left to itself",
		slog.Any("why", context.Cause(ctx)), slog.Duration("for", h.config.Grace))
	return nil, errAbandoned
}

var errAbandoned = errors.New("it did not end when it was told to")

// failure says how an attempt ends that has no result; an error is none that the
// task is told of.
func (h *hold) failure(cause, err error) (ending, error) {
	e := ending{State: tasks.Failed, Attempt: h.lease.Attempt}
	switch {
	case errors.Is(err, ErrLost), h.own.Err() != nil:
		return e, ErrLost
	case errors.Is(cause, errStopping):
		return e, errStopping
	case errors.Is(cause, errCancelled):
		e.State = tasks.Cancelled
		return e, nil
	case errors.Is(cause, errTimeUp):
		e.State = tasks.TimedOut
		h.logger().WarnContext(h.own, "a task took too long", slog.Duration("limit", h.lease.Limit), slog.Any("error", err))
		return e, nil
	}
	var told *es.Error
	if errors.As(err, &told) && told.Class != es.Internal {
		e.Code, e.Message, e.Refused = told.Word(), messageOf(told), refused(err)
	} else {
		e.Code = string(es.Internal)
		e.Message = "Something went wrong on our side."
		if h.lease.Request != "" {
			e.Message += " Tell us the request " + h.lease.Request + "."
		}
	}
	if !e.Refused {
		h.logger().ErrorContext(h.own, "an attempt at a task failed", slog.Any("error", err))
	}
	return e, nil
}

// refused says that trying again is of no use.
func refused(err error) bool {
	class := es.ClassOf(err)
	return err != nil && class != es.Internal && class != es.Unavailable
}

// messageOf is a refusal with its fields, for people.
func messageOf(e *es.Error) string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, "; %s: %s", field, strings.Join(e.Fields[field], " "))
	}
	return b.String()
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
