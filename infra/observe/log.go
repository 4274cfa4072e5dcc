// Package observe makes what operators look at: the log, with request ids and
// without secrets, and the Prometheus metrics on an address of their own.
package observe

import (
	"context"
	"io"
	"log/slog"
)

// ContextAttrs gives what a context says about the work that is being done,
// such as its request id.
type ContextAttrs func(context.Context) []slog.Attr

// NewLogger logs to w from a level on, as "json" or as "text" for people. Each
// record carries what With put into its context and what the given functions
// find there; of attributes with one name the innermost is kept. Secrets are
// masked: texts named like one, and parts of any text that look like one.
//
// Only a call that is given the context (InfoContext) can carry its attributes.
func NewLogger(w io.Writer, level slog.Leveler, format string, from ...ContextAttrs) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: maskAttr}
	var h slog.Handler = slog.NewJSONHandler(w, opts)
	if format == "text" {
		h = slog.NewTextHandler(w, opts)
	}
	return slog.New(&contextHandler{base: h, from: from})
}

type attrsKey struct{}

// With gives a context whose log records carry the attributes as well, such as
// the correlation of a task.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	before, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return context.WithValue(ctx, attrsKey{}, append(before[:len(before):len(before)], attrs...))
}

// contextHandler adds the context's attributes at the top of each record, also
// below a group: they are about the work, not about the group.
type contextHandler struct {
	base  slog.Handler
	from  []ContextAttrs
	steps []func(slog.Handler) slog.Handler // WithAttrs and WithGroup, in order
}

// Enabled says whether the level is logged.
func (h *contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.base.Enabled(ctx, level)
}

// Handle writes the record with its context's attributes.
func (h *contextHandler) Handle(ctx context.Context, record slog.Record) error {
	out := h.base
	if attrs := h.attrs(ctx); len(attrs) > 0 {
		out = out.WithAttrs(attrs)
	}
	for _, step := range h.steps {
		out = step(out)
	}
	return out.Handle(ctx, record)
}

func (h *contextHandler) attrs(ctx context.Context) []slog.Attr {
	var all []slog.Attr
	for _, from := range h.from {
		all = append(all, from(ctx)...)
	}
	with, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	all = append(all, with...)
	last := map[string]int{}
	for i, a := range all {
		last[a.Key] = i
	}
	var kept []slog.Attr
	for i, a := range all {
		if last[a.Key] == i && !a.Equal(slog.Attr{}) {
			kept = append(kept, a)
		}
	}
	return kept
}

// WithAttrs is the handler with attributes of its own.
func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.then(func(base slog.Handler) slog.Handler { return base.WithAttrs(attrs) })
}

// WithGroup is the handler whose further attributes are in a group.
func (h *contextHandler) WithGroup(name string) slog.Handler {
	return h.then(func(base slog.Handler) slog.Handler { return base.WithGroup(name) })
}

func (h *contextHandler) then(step func(slog.Handler) slog.Handler) slog.Handler {
	next := *h
	next.steps = append(h.steps[:len(h.steps):len(h.steps)], step)
	return &next
}
