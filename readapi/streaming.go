package readapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// streamChunk is how many bytes a reader must take within its patience.
const streamChunk = 16 << 10

var (
	errShutdown   = errors.New("the server is shutting down")
	errReaderGone = errors.New("the reader is gone")
)

func shuttingDown() error {
	return &es.Error{Class: es.Unavailable, Message: "The server is shutting down. Try again in a moment.", Err: errShutdown}
}

// openStreams are the streams of a process.
type openStreams struct {
	each int

	mu     sync.Mutex
	ending chan struct{} // closed when the server shuts down
	ended  bool
	callers,
	routes map[string]int
}

func newOpenStreams(each int) *openStreams {
	return &openStreams{each: each, ending: make(chan struct{}), callers: map[string]int{}, routes: map[string]int{}}
}

// end ends them all, and those that are still to be opened.
func (o *openStreams) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		o.ended = true
		close(o.ending)
	}
}

// enter counts a stream until leave.
func (o *openStreams) enter(caller, route string) (leave func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
		return nil, shuttingDown()
	case o.callers[caller] >= o.each:
		return nil, &httpError{
			status: http.StatusTooManyRequests, code: "too_many_streams", retryAfter: int(retryAfter / time.Second),
			message: "At most " + strconv.Itoa(o.each) + " streams may be open at once. Close one first.",
		}
	}
	o.callers[caller]++
	o.routes[route]++
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.callers[caller]--; o.callers[caller] == 0 {
			delete(o.callers, caller)
		}
		o.routes[route]--
	}, nil
}

// OpenStreams is how many streams of server-sent events are open now, by route.
// A route that once had one is listed.
func (a *API) OpenStreams() map[string]int {
	o := a.open
	o.mu.Lock()
	defer o.mu.Unlock()
	routes := make(map[string]int, len(o.routes))
	for route, n := range o.routes {
		routes[route] = n
	}
	return routes
}

// stream is an open stream, whatever its data is.
type stream struct {
	edge       *edge
	call       *Call
	controller *http.ResponseController
	end        context.CancelCauseFunc
	ctx        context.Context

	mu        sync.Mutex // of what follows
	principal Principal
	checked   time.Time // when the principal was looked at
	mark      string

	writing sync.Mutex // one frame after another
	opened  bool
}

// streams serves a stream from its opening to its end.
func (e *edge) streams(ctx context.Context, handler func(context.Context, *stream) error) {
	call := CallOf(ctx)
	if call.Request.Method == http.MethodHead {
		call.header.Set("Content-Type", streamType)
		call.echo.Response().WriteHeader(call.route.Status)
		return
	}
	_, caller := call.counted()
	leave, err := e.open.enter(caller, call.route.pattern)
	if err != nil {
		e.writeFailure(ctx, call.echo, call, err)
		return
	}
	defer leave()
	ctx, end := context.WithCancelCause(ctx)
	s := &stream{
		edge: e, call: call, controller: http.NewResponseController(call.echo.Response()),
		ctx: ctx, end: end, principal: call.Principal, checked: e.clock(),
	}
	var guards sync.WaitGroup
	guards.Go(func() { s.guard(ctx) })
	guards.Go(func() { s.heedShutdown(ctx) })
	err = handler(ctx, s)
	reason := context.Cause(ctx)
	end(nil)
	guards.Wait()
	s.close(ctx, err, reason)
}

// guard keeps an open stream alive and looks at who reads it, until it ends.
func (s *stream) guard(ctx context.Context) {
	tick := time.NewTicker(s.edge.options.Streaming.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.authorise(ctx, 0) != nil || s.beat() != nil {
			return
		}
	}
}

// heedShutdown ends the stream when the server shuts down, also in the middle of
// a write that its reader does not take.
func (s *stream) heedShutdown(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.edge.open.ending:
		s.end(errShutdown)
		_ = s.controller.SetWriteDeadline(time.Now()) // put looks at the end after it sets one.
	}
}

// ended is why the stream has ended, nil while it is open.
func (s *stream) ended() error { return context.Cause(s.ctx) }

// authorise looks at who reads if the last look is older than age, and ends the
// stream when they may no longer.
func (s *stream) authorise(ctx context.Context, age time.Duration) error {
	if err := s.ended(); err != nil {
		return err
	}
	s.mu.Lock()
	checked := s.checked
	s.mu.Unlock()
	if s.call.route.Public || s.edge.clock().Sub(checked) < age {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.edge.options.Streaming.Patience)
	defer cancel()
	now, principal, err := s.edge.clock(), Principal{}, error(nil)
	if principal, err = s.edge.admits(ctx, s.call); err == nil && principal.Account != s.call.Principal.Account {
		err = ErrBadCredentials
	}
	if err != nil {
		s.end(err)
		return s.ended()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.principal, s.checked = principal, now
	return nil
}

// admits says who asks with a call's credentials now, and that they may.
func (e *edge) admits(ctx context.Context, call *Call) (Principal, error) {
	principal, err := e.principal(ctx, call)
	if err == nil {
		err = fits(principal, call.route)
	}
	if err != nil {
		return Principal{}, err
	}
	if e.options.Gate != nil && !call.route.Ungated {
		err = e.options.Gate.Admit(ctx, principal)
	}
	return principal, err
}

// beat writes a comment, with the mark if there is one.
func (s *stream) beat() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.opened {
		return nil
	}
	s.mu.Lock()
	frame := ": heartbeat\n\n"
	if s.mark != "" {
		frame = "id: " + s.mark + "\n" + frame
		s.mark = ""
	}
	s.mu.Unlock()
	return s.put([]byte(frame))
}

// write writes the head if that is missing, and frames, which supersede the mark.
func (s *stream) write(frames []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.ended(); err != nil {
		return err
	}
	if len(frames) > 0 {
		s.Mark("")
	}
	if !s.opened {
		h := s.call.header
		h.Set("Content-Type", streamType)
		h.Set("X-Accel-Buffering", "no")
		s.call.streaming = s.edge.clock()
		s.call.echo.Response().WriteHeader(s.call.route.Status)
		s.opened = true
		frames = append([]byte("retry: "+strconv.Itoa(int(retryAfter/time.Millisecond))+"\n\n"), frames...)
	}
	return s.put(frames)
}

// put writes bytes, a chunk after another, each within the reader's patience.
func (s *stream) put(bytes []byte) error {
	for len(bytes) > 0 {
		n := min(len(bytes), streamChunk)
		// Recorders in tests know no deadlines.
		_ = s.controller.SetWriteDeadline(time.Now().Add(s.edge.options.Streaming.Patience))
		if errors.Is(s.ended(), errShutdown) {
			return errShutdown
		}
		_, err := s.call.echo.Response().Write(bytes[:n])
		if err == nil {
			err = s.controller.Flush()
		}
		if err != nil {
			s.end(errors.Join(errReaderGone, err))
			return s.ended()
		}
		bytes = bytes[n:]
	}
	return nil
}

// close ends a stream whose handler has returned err, for the reason why its
// context had ended, if it had.
func (s *stream) close(ctx context.Context, err, reason error) {
	if reason != nil {
		err = reason
	}
	ctx = context.WithoutCancel(ctx)
	if !s.opened {
		if errors.Is(err, errShutdown) {
			err = shuttingDown()
		}
		if err == nil {
			s.call.echo.Response().WriteHeader(http.StatusNoContent)
			return
		}
		s.edge.writeFailure(ctx, s.call.echo, s.call, err)
		return
	}
	defer func() { _ = s.controller.SetWriteDeadline(time.Time{}) }() // for the connection's next request.
	if err == nil || errors.Is(err, errShutdown) || errors.Is(err, errReaderGone) || s.call.Request.Context().Err() != nil {
		return
	}
	f := *s.edge.failureOf(ctx, s.call, err)
	f.problem = true
	data, err := json.Marshal(&f)
	if err == nil {
		data, err = appendFrame(nil, "", "error", data)
	}
	if err == nil {
		err = s.put(data)
	}
	if err != nil {
		s.edge.logger.LogAttrs(ctx, slog.LevelDebug, "a stream's error was not told", slog.String("request_id", s.call.RequestID), slog.String("error", err.Error()))
	}
}
