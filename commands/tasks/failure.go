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
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
)

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
	h.logger().ErrorContext(context.WithoutCancel(ctx), "a task goes on though it was told to end; it is left to itself",
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
