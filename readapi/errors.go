package readapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/igny8/igny8/domain/es"
)

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// failure is an error on its way out. Every error answer of the API is one.
type failure struct {
	status     int
	code       string
	message    string
	fields     map[string][]string
	retryAfter int // seconds; 0: none
	requestID  string
	problem    bool // as application/problem+json
}

// statusOf is where the classes meet HTTP, and the only place.
func statusOf(class es.Class) int {
	switch class {
	case es.Invalid:
		return http.StatusBadRequest
	case es.Unauthorized:
		return http.StatusUnauthorized
	case es.Plan:
		return http.StatusPaymentRequired
	case es.Forbidden:
		return http.StatusForbidden
	case es.NotFound:
		return http.StatusNotFound
	case es.Conflict:
		return http.StatusConflict
	case es.Gone:
		return http.StatusGone
	case es.Precondition:
		return http.StatusPreconditionFailed
	case es.Unavailable:
		return http.StatusServiceUnavailable
	case es.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// httpError is a refusal of the edge itself that no class stands for.
type httpError struct {
	status     int
	code       string
	message    string
	field      string
	retryAfter int
}

func (e *httpError) Error() string { return e.message }

// failureOf says what becomes of an error. What is ours to mend is logged here,
// with its request id, and never told.
func (e *edge) failureOf(ctx context.Context, call *Call, err error) *failure {
	f := describe(err)
	if f.status == http.StatusInternalServerError && e.options.Unavailable != nil && e.options.Unavailable(err) {
		f = &failure{
			status: http.StatusServiceUnavailable, code: string(es.Unavailable), retryAfter: 1,
			message: "A part of the service cannot be reached. Try again in a moment.",
		}
	}
	if call != nil {
		f.requestID, f.problem = call.RequestID, wantsProblem(call.Request.Header)
	}
	if f.status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level := slog.LevelError
		if f.status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
		e.logger.LogAttrs(ctx, level, "request failed", slog.String("request_id", f.requestID),
			slog.Int("status", f.status), slog.String("error", err.Error()))
	}
	return f
}

func describe(err error) *failure {
	var (
		done    *failure
		refused *es.Error
		own     *httpError
		routing *echo.HTTPError
	)
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &own):
		f := &failure{status: own.status, code: own.code, message: own.message, retryAfter: own.retryAfter}
		if own.field != "" {
			f.fields = map[string][]string{own.field: {own.message}}
		}
		return f
	case errors.As(err, &refused) && statusOf(refused.Class) != http.StatusInternalServerError:
		f := &failure{status: statusOf(refused.Class), code: refused.Word(), message: refused.Message, fields: refused.Fields}
		if f.status == http.StatusServiceUnavailable {
			f.retryAfter = 1
		}
		return f
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &failure{status: http.StatusServiceUnavailable, code: "timeout", message: "It took too long and was given up.", retryAfter: 1}
	case errors.As(err, &routing):
		return plainFailure(routing.Code)
	default:
		return plainFailure(http.StatusInternalServerError)
	}
}

// plainFailure is a failure that says no more than its status.
func plainFailure(status int) *failure {
	f := &failure{status: status}
	switch status {
	case http.StatusBadRequest:
		f.code, f.message = string(es.Invalid), "The request is not valid."
	case http.StatusNotFound:
		f.code, f.message = string(es.NotFound), "There is nothing here."
	case http.StatusMethodNotAllowed:
		f.code, f.message = "method_not_allowed", "This method is not allowed here."
	case http.StatusRequestEntityTooLarge:
		f.code, f.message = "too_large", "The request is too large."
	case http.StatusUnsupportedMediaType:
		f.code, f.message = "unsupported_media_type", "The body must be application/json."
	case http.StatusRequestTimeout:
		f.code, f.message = "timeout", "The request's body took too long to arrive."
	default:
		if status < http.StatusInternalServerError {
			f.code, f.message = string(es.Invalid), http.StatusText(status)
			break
		}
		f.status, f.code, f.message = http.StatusInternalServerError, string(es.Internal), "Something went wrong on our side."
	}
	return f
}

func wantsProblem(h http.Header) bool {
	for _, accept := range h.Values("Accept") {
		if strings.Contains(strings.ToLower(accept), problemType) {
			return true
		}
	}
	return false
}

// Error is the message, for logs.
func (f *failure) Error() string { return f.message }

// GetStatus is the HTTP status.
func (f *failure) GetStatus() int { return f.status }

// ContentType is the media type of the answer.
func (f *failure) ContentType(string) string {
	if f.problem {
		return problemType
	}
	return "application/json"
}

// ErrorBody is the answer to a request that failed.
type ErrorBody struct {
	Success   bool                `json:"success" doc:"always false"`
	Error     string              `json:"error" doc:"what went wrong, for people"`
	Code      Code                `json:"code"`
	Errors    map[string][]string `json:"errors,omitempty" doc:"what is wrong with which field"`
	RequestID string              `json:"request_id"`
}

// Problem is the same in the form of RFC 9457.
type Problem struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Status    int                 `json:"status"`
	Detail    string              `json:"detail"`
	Code      Code                `json:"code"`
	Errors    map[string][]string `json:"errors,omitempty"`
	RequestID string              `json:"request_id"`
}

// MarshalJSON writes the envelope, or the problem if that was asked for.
func (f *failure) MarshalJSON() ([]byte, error) {
	if f.problem {
		return json.Marshal(Problem{
			Type: "about:blank", Title: http.StatusText(f.status), Status: f.status, Detail: f.message,
			Code: Code(f.code), Errors: f.fields, RequestID: f.requestID,
		})
	}
	return json.Marshal(f.body())
}

func (f *failure) body() ErrorBody {
	return ErrorBody{Error: f.message, Code: Code(f.code), Errors: f.fields, RequestID: f.requestID}
}

// writeFailure is the one writer of errors that are not huma's.
func (e *edge) writeFailure(ctx context.Context, c echo.Context, call *Call, err error) {
	if c.Response().Committed {
		return
	}
	f := e.failureOf(ctx, call, err)
	h := c.Response().Header()
	for _, name := range []string{"ETag", "Location", consistencyHeader} {
		h.Del(name)
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	if f.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="igny8"`)
	}
	body, marshalErr := json.Marshal(f)
	if marshalErr != nil {
		e.logger.ErrorContext(ctx, "an error could not be written", slog.String("error", marshalErr.Error()))
	}
	if err := c.Blob(f.status, f.ContentType(""), body); err != nil {
		e.logger.DebugContext(ctx, "the client went away", slog.String("error", err.Error()))
	}
}
