package readapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// stage is one step that every request takes on its way to a handler.
type stage struct {
	name string
	wrap echo.MiddlewareFunc
}

// chain is the order of the stages; a test pins it.
func (e *edge) chain() []stage {
	return []stage{
		{"recover", e.recovers},
		{"request id", e.identifies},
		{"access log", e.logs},
		{"security headers", e.secures},
		{"cors", e.crossOrigin},
		{"limits", e.limits},
		{"authentication", e.authenticates},
		{"account gate", e.gates},
		{"throttle", e.throttles},
		{"resource tracking", e.tracks},
	}
}

const callName = "call"

func callIn(c echo.Context) *Call {
	call, _ := c.Get(callName).(*Call)
	return call
}

func (e *edge) recovers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if r == http.ErrAbortHandler { //nolint:errorlint // it is the value itself that is thrown.
				panic(r)
			}
			call := callIn(c)
			e.logger.ErrorContext(c.Request().Context(), "panic", slog.String("request_id", requestIDOf(call)),
				slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
			e.writeFailure(c.Request().Context(), c, call, plainFailure(http.StatusInternalServerError))
		}()
		return next(c)
	}
}

func requestIDOf(call *Call) string {
	if call == nil {
		return ""
	}
	return call.RequestID
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func (e *edge) identifies(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		id := r.Header.Get("X-Request-ID")
		command := commands.NewID()
		if !requestID.MatchString(id) {
			id = command.String()
		}
		call := &Call{
			RequestID: id, Command: command, ClientIP: e.clientIP(r), edge: e, echo: c, header: c.Response().Header(),
		}
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, call))
		call.Request, call.route = r, e.routes[r.Method+" "+c.Path()]
		c.SetRequest(r)
		c.Set(callName, call)
		call.header.Set("X-Request-ID", id)
		return next(c)
	}
}

func (e *edge) logs(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start, call, returned := e.clock(), callIn(c), false
		defer func() {
			status := c.Response().Status
			if !returned && !c.Response().Committed {
				status = http.StatusInternalServerError
			}
			took, pattern := e.clock().Sub(start), ""
			if !call.streaming.IsZero() {
				e.logger.LogAttrs(call.Request.Context(), slog.LevelInfo, "stream ended", slog.String("request_id", call.RequestID), slog.Float64("s", took.Seconds()))
				took = call.streaming.Sub(start)
			}
			if call.route != nil {
				pattern = call.route.pattern
			}
			e.metrics.ObserveRequest(call.Request.Method, pattern, status, took)
			attrs := []slog.Attr{
				slog.String("request_id", call.RequestID), slog.String("method", call.Request.Method),
				slog.String("route", pattern), slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000),
			}
			if call.Principal.Account != (es.ID{}) {
				attrs = append(attrs, slog.String("account", call.Principal.Account.String()), slog.String("actor", call.Principal.Actor.String()))
			}
			e.logger.LogAttrs(call.Request.Context(), slog.LevelInfo, "request", attrs...)
		}()
		if err := next(c); err != nil {
			e.tellsStanding(call)
			e.writeFailure(c.Request().Context(), c, call, err)
		}
		returned = true
		return nil
	}
}

func (e *edge) secures(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		if e.scheme(c.Request()) == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}

const (
	exposedHeaders = "ETag, Location, Retry-After, X-Request-ID, X-Consistency-Token, Idempotency-Replayed, " +
		"X-Throttle-Limit, X-Throttle-Remaining, X-Throttle-Reset, RateLimit, RateLimit-Policy, Deprecation, Sunset"
	allowedHeaders = "Authorization, Content-Type, Accept, Idempotency-Key, If-Match, If-None-Match, Prefer, " +
		"X-Request-ID, X-Consistency-Token, Last-Event-ID, X-API-Key, X-Account-ID, X-Debug-Resource-Tracking"
	allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
)

func (e *edge) crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		origin, h := c.Request().Header.Get("Origin"), c.Response().Header()
		if len(e.options.Origins) > 0 {
			h.Add("Vary", "Origin")
		}
		if origin == "" || !slices.Contains(e.options.Origins, origin) {
			return next(c)
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", exposedHeaders)
		if c.Request().Method != http.MethodOptions || c.Request().Header.Get("Access-Control-Request-Method") == "" {
			return next(c)
		}
		h.Set("Access-Control-Allow-Methods", allowedMethods)
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", "600")
		return c.NoContent(http.StatusNoContent)
	}
}

func (e *edge) limits(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if err := checkText(r); err != nil {
			return err
		}
		call := callIn(c)
		if call.route != nil && call.route.raw {
			return next(c)
		}
		if r.ContentLength > e.options.MaxBody {
			c.Response().Header().Set("Connection", "close")
			return plainFailure(http.StatusRequestEntityTooLarge)
		}
		ctx, cancel := context.WithTimeout(r.Context(), e.options.Timeout)
		defer cancel()
		call.Request = r.WithContext(ctx)
		c.SetRequest(call.Request)
		return next(c)
	}
}

// checkText refuses NUL and invalid UTF-8 in path, query and headers, before
// they reach a database that does.
func checkText(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return malformed("The query is not well-formed.")
	}
	fine := func(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
	if !fine(r.URL.Path) {
		return malformed("The path holds NUL or invalid UTF-8.")
	}
	for _, named := range []map[string][]string{query, r.Header} {
		for name, values := range named {
			if !fine(name) || slices.ContainsFunc(values, func(v string) bool { return !fine(v) }) {
				return malformed("The query or a header holds NUL or invalid UTF-8.")
			}
		}
	}
	return nil
}

func (e *edge) authenticates(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		call := callIn(c)
		if call.route == nil || call.route.Public {
			return next(c)
		}
		principal, err := e.principal(call.Request.Context(), call)
		if err != nil {
			return e.slowed(call, err)
		}
		if err := fits(principal, call.route); err != nil {
			return err
		}
		call.Principal = principal
		return next(c)
	}
}

// fits says that a route is for somebody like that.
func fits(p Principal, r *route) error {
	switch {
	case p.Account == (es.ID{}):
		return es.Refuse(es.Forbidden, "account_missing", "Who asks belongs to no account.")
	case !p.Actor.Role.AtLeast(r.least()):
		return es.Refuse(es.Forbidden, "", "This needs the role %s or a higher one.", r.least())
	}
	return nil
}

// principal asks each way to authenticate in turn: without its credentials the
// next is asked, with bad ones it ends.
func (e *edge) principal(ctx context.Context, call *Call) (Principal, error) {
	scheme, token, _ := strings.Cut(call.Request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		if scheme != "" {
			return Principal{}, es.Refuse(es.Unauthorized, "bad_credentials", "These credentials are not valid.")
		}
		return Principal{}, es.Refuse(es.Unauthorized, "", "Credentials are needed here: Authorization: Bearer <access token>.")
	}
	principal, err := e.options.Authenticator.Authenticate(ctx, strings.TrimSpace(token))
	if errors.Is(err, ErrBadCredentials) {
		err = &es.Error{Class: es.Unauthorized, Code: "bad_credentials", Message: "These credentials are not valid, or no longer.", Err: err}
	}
	return principal, err
}

// slowed counts a request without valid credentials against its address.
func (e *edge) slowed(call *Call, err error) error {
	s := e.throttle.take("auth", call.ClientIP)
	s.write(call.header, e.clock())
	if refused := s.err(); refused != nil {
		return refused
	}
	return err
}

func (e *edge) gates(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		call := callIn(c)
		if e.options.Gate == nil || call.route == nil || call.route.Public || call.route.Ungated {
			return next(c)
		}
		if err := e.options.Gate.Admit(call.Request.Context(), call.Principal); err != nil {
			return err
		}
		return next(c)
	}
}

// counted is the scope and the caller that a request counts for.
func (c *Call) counted() (scope, who string) {
	scope, who = defaultScope, c.ClientIP
	if c.route != nil {
		scope = c.route.scope
	}
	if c.Principal.Account != (es.ID{}) {
		who = c.Principal.Account.String() + " " + c.Principal.Actor.String()
	}
	return scope, who
}

// tellsStanding gives a request that was stopped before it counted its
// throttle's headers.
func (e *edge) tellsStanding(call *Call) {
	if call.header.Get("X-Throttle-Limit") == "" {
		e.throttle.look(call.counted()).write(call.header, e.clock())
	}
}

func (e *edge) throttles(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		call, take := callIn(c), e.throttle.take
		if call.route != nil && call.route.Unthrottled {
			take = e.throttle.full
		}
		s := take(call.counted())
		s.write(call.header, e.clock())
		if err := s.err(); err != nil {
			return err
		}
		return next(c)
	}
}

// tracks is where the cost of a request will be measured for whoever asks with
// X-Debug-Resource-Tracking.
func (e *edge) tracks(next echo.HandlerFunc) echo.HandlerFunc { return next }

// trusted says whether the peer is one of the proxies.
func (e *edge) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(e.options.Proxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

func peer(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}

// clientIP walks X-Forwarded-For from its end while those who wrote it are
// trusted.
func (e *edge) clientIP(r *http.Request) string {
	addr, ok := peer(r)
	if !ok {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && e.trusted(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr.String()
}

func (e *edge) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if addr, ok := peer(r); ok && e.trusted(addr) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}
