package readapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

const (
	// keptAccount is where a kept answer says whose personal fields it holds.
	keptAccount = ":account"
	// keepTime bounds the keeping of an answer that is already true.
	keepTime = 5 * time.Second
)

// keptHeaders go with a kept answer.
func keptHeaders() []string { return []string{"ETag", "Location", consistencyHeader} }

// once runs an operation under the request's Idempotency-Key, or answers what
// was kept under it. A refusal releases the key; where the outcome is unknown
// it stays reserved, and a repeat after the lease goes on with the same command
// id.
func (e *edge) once(ctx context.Context, call *Call, s served) (reply, error) {
	key, err := idempotencyKey(call)
	if err != nil || key.Key == "" {
		if err != nil {
			return reply{}, err
		}
		return s.run(ctx)
	}
	lease := e.options.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		lease = time.Until(deadline)
	}
	got, err := e.options.Idempotency.Reserve(ctx, key, fingerprint(call), call.Command, lease)
	if err != nil {
		return reply{}, fmt.Errorf("reserving an idempotency key: %w", err)
	}
	switch got.State {
	case commands.InFlight:
		return reply{}, &httpError{
			status: http.StatusConflict, code: "idempotency_in_flight", retryAfter: 1,
			message: "A request with this Idempotency-Key is being worked on.",
		}
	case commands.Mismatched:
		return reply{}, &httpError{
			status: http.StatusUnprocessableEntity, code: "idempotency_key_reused",
			message: "This Idempotency-Key was used for another request.",
		}
	case commands.Answered:
		return e.replay(ctx, call, s, got.Answer)
	case commands.Reserved:
	}
	call.Command = got.Command
	r, err := s.run(ctx)
	e.settle(ctx, call, key, r, err)
	return r, err
}

// settle keeps the answer, or releases the key of a command that did nothing.
func (e *edge) settle(ctx context.Context, call *Call, key commands.IdempotencyKey, r reply, failed error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	var err error
	switch {
	case failed == nil && r.unsettled:
	case failed == nil:
		var answer commands.Answer
		if answer, err = call.keep(r); err == nil {
			err = e.options.Idempotency.Complete(ctx, key, call.Command, answer)
		}
	case describe(failed).status < http.StatusInternalServerError:
		err = e.options.Idempotency.Release(ctx, key, call.Command)
	}
	if err != nil {
		e.logger.ErrorContext(ctx, "an idempotency key was not settled",
			slog.String("request_id", call.RequestID), slog.String("error", err.Error()))
	}
}

func idempotencyKey(call *Call) (commands.IdempotencyKey, error) {
	values := call.Request.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return commands.IdempotencyKey{}, nil
	}
	if len(values) > 1 || !plausibleKey(values[0]) {
		return commands.IdempotencyKey{}, badParameter("Idempotency-Key", "This must be one key of 1 to 255 visible characters.")
	}
	key := commands.IdempotencyKey{Account: call.Principal.Account, Principal: call.Principal.Actor.String(), Key: values[0]}
	if call.route.Public {
		key.Principal = call.route.Method + " " + call.route.pattern
	}
	return key, nil
}

func plausibleKey(key string) bool {
	return len(key) >= 1 && len(key) <= 255 && !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
}

func fingerprint(call *Call) []byte {
	h := sha256.New()
	r := call.Request
	h.Write(fmt.Appendf(nil, "%s\n%s\n%s\n", r.Method, strings.TrimSuffix(r.URL.Path, "/"), r.Header.Get("Content-Type")))
	h.Write(call.body)
	return h.Sum(nil)
}

// keep is the answer as it is stored: personal fields sealed, secrets left out.
func (c *Call) keep(r reply) (commands.Answer, error) {
	answer := commands.Answer{Status: r.status, Header: map[string]string{keptAccount: c.account().String()}}
	for _, name := range keptHeaders() {
		if value := c.header.Get(name); value != "" {
			answer.Header[name] = value
		}
	}
	if r.body == nil {
		return answer, nil
	}
	body, err := marshal(withoutSecrets(r.body))
	answer.Body = body
	return answer, err
}

// account is whose data the answer holds.
func (c *Call) account() es.ID {
	if c.wrote != (es.ID{}) {
		return c.wrote
	}
	return c.Principal.Account
}

func (e *edge) replay(ctx context.Context, call *Call, s served, kept commands.Answer) (reply, error) {
	r := reply{status: kept.Status}
	for name, value := range kept.Header {
		if name != keptAccount {
			call.header.Set(name, value)
		}
	}
	call.header.Set("Idempotency-Replayed", "true")
	if len(kept.Body) == 0 {
		return r, nil
	}
	r.body = s.blank()
	if err := json.Unmarshal(kept.Body, r.body); err != nil {
		return reply{}, fmt.Errorf("reading a kept answer: %w", err)
	}
	var account es.ID
	if err := account.UnmarshalText([]byte(kept.Header[keptAccount])); err != nil {
		return reply{}, fmt.Errorf("the account of a kept answer: %w", err)
	}
	var fields []*es.Personal
	eachPersonal(reflect.ValueOf(r.body), func(p *es.Personal) {
		if p.Token() != "" {
			fields = append(fields, p)
		}
	})
	if len(fields) == 0 {
		return r, nil
	}
	if err := e.options.Opener.OpenFields(ctx, account, fields); err != nil {
		return reply{}, fmt.Errorf("opening a kept answer: %w", err)
	}
	return r, nil
}
