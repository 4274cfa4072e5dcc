package readapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Streaming bounds the streams of server-sent events; what is zero is as said.
type Streaming struct {
	// Heartbeat is how often an open stream is kept alive and its reader's
	// authorisation looked at again; default 15 s.
	Heartbeat time.Duration
	// Patience is how long a reader may take nothing of what is being written
	// before it is dropped; default 10 s.
	Patience time.Duration
	// Each is how many streams one caller may have open in this process;
	// default 16, then 429 too_many_streams.
	Each int
}

// ServerEvent is one server-sent event. ID is what the client sends back as
// Last-Event-ID when it returns, Name the event's type, and Data is written as
// JSON; without an ID or a Name the event has none. Neither may hold a line
// break or NUL.
type ServerEvent[T any] struct {
	ID   string
	Name string
	Data T
}

// EventStream is an open stream of server-sent events to one reader. Its handler
// pulls what there is and sends it, one after another: nothing is queued, and a
// reader that is slow slows its handler down only.
type EventStream[T any] struct{ *stream }

// Stream mounts a GET that answers with server-sent events of the data T. In is
// as for Handle. The guards of any route stand before it, and the throttle counts
// its opening only; it has no time limit.
//
// Until the first Send or Open the handler's error is answered like that of any
// route, and nil as 204, which tells a browser not to come back. Later an error is
// told by a last event named "error", whose data is the Problem, and nil ends the
// stream; a client that comes back then says Last-Event-ID, which LastEventID
// gives. While the stream is open a comment goes out every heartbeat, and the
// reader's credentials, role and account are looked at again then and before what
// is sent, if that was a second ago: once they no longer hold, the stream ends
// with such an error. Its context ends when that happens, when the reader is gone
// or took nothing for too long, and at once when the server shuts down; the handler
// then returns, whatever error it has.
func Stream[In, T any](api *API, declared Route, handler func(ctx context.Context, in *In, to *EventStream[T]) error) {
	e := api.edge
	declared.Method = http.MethodGet
	r := e.declare(declared, true)
	r.stream = true
	op := e.operation(r)
	e.respondStream(op, r.Status, reflect.TypeFor[T]())
	op.Parameters = append(op.Parameters,
		header(lastEventID, "The id of the last event that was seen; the stream goes on after it.", &huma.Schema{Type: huma.TypeString}),
		query(lastEventQuery, "The same, for clients that cannot set a header; the header wins.", &huma.Schema{Type: huma.TypeString}))
	huma.Register(e.huma, *op, func(ctx context.Context, in *In) (*written, error) {
		e.streams(ctx, func(ctx context.Context, s *stream) error { return handler(ctx, in, &EventStream[T]{s}) })
		return done, nil
	})
}

const (
	lastEventID    = "Last-Event-ID"
	lastEventQuery = "last_event_id"
	// recheck is how old a look at the reader's authorisation may be when
	// something is sent.
	recheck = time.Second
	// retryAfter is what a browser waits before it comes back.
	retryAfter = 2 * time.Second
	streamType = "text/event-stream"
)

// LastEventID is the id that the client saw last, from the header or else from
// ?last_event_id=; "" when it is new.
func (s *stream) LastEventID() string {
	if id := s.call.Request.Header.Get(lastEventID); id != "" {
		return id
	}
	return s.call.Request.URL.Query().Get(lastEventQuery)
}

// Open writes the stream's head, so that the client knows that it is connected
// before there is anything to send. Doing it again changes nothing. An error means
// that the stream has ended.
func (s *stream) Open() error { return s.write(nil) }

// Mark names an id that the client may come back with though no event had it: one
// that all it was not shown lies in front of. It goes out with the next heartbeat
// unless an event is sent before.
func (s *stream) Mark(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = id
}

// Principal is who reads, as it is now: looked at again if that was a second ago.
// An error means that the stream has ended.
func (s *stream) Principal(ctx context.Context) (Principal, error) {
	if err := s.authorise(ctx, recheck); err != nil {
		return Principal{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal, nil
}

// Send writes events and returns when the connection has taken them all, which
// may be long, but never longer than the reader is given to take a part of them.
// An error means that the stream has ended.
func (s *EventStream[T]) Send(ctx context.Context, events ...ServerEvent[T]) error {
	if err := s.authorise(ctx, recheck); err != nil {
		return err
	}
	var frames []byte
	for _, event := range events {
		data, err := json.Marshal(event.Data)
		if err != nil {
			return fmt.Errorf("writing a server-sent event: %w", err)
		}
		if frames, err = appendFrame(frames, event.ID, event.Name, data); err != nil {
			return err
		}
		if len(frames) >= streamChunk {
			if err := s.write(frames); err != nil {
				return err
			}
			frames = frames[:0]
		}
	}
	return s.write(frames)
}

// appendFrame adds an event as it is on the wire, each line of its data on its own.
func appendFrame(to []byte, id, name string, data []byte) ([]byte, error) {
	for _, field := range []struct{ name, value string }{{"id", id}, {"event", name}} {
		if strings.ContainsAny(field.value, "\r\n\x00") {
			return to, errors.New("a server-sent event's id or name holds a line break or NUL")
		}
		if field.value != "" {
			to = append(to, field.name+": "+field.value+"\n"...)
		}
	}
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	for line := range strings.SplitSeq(lines, "\n") {
		to = append(to, "data: "+line+"\n"...)
	}
	return append(to, '\n'), nil
}

// respondStream documents the stream: what one event of it holds.
func (e *edge) respondStream(op *huma.Operation, status int, data reflect.Type) {
	text := &huma.Schema{Type: huma.TypeString}
	event := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"data"},
		Properties: map[string]*huma.Schema{
			"id": text, "event": text, "retry": {Type: huma.TypeInteger}, "data": e.schemas.Schema(data, true, ""),
		},
	}
	op.Responses[strconv.Itoa(status)] = &huma.Response{
		Description: "Server-sent events, without an end.", Headers: answerHeaders(),
		Content: map[string]*huma.MediaType{streamType: {Schema: &huma.Schema{
			Type: huma.TypeArray, Items: event,
			Description: "Each item is one event; its data is JSON. A last event named error holds a Problem.",
		}}},
	}
	op.Responses[strconv.Itoa(http.StatusNoContent)] = &huma.Response{Description: "There is nothing more to come.", Headers: answerHeaders()}
}
