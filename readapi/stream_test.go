package readapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

// frame is a server-sent event as a client reads it: its id is the last that was
// named, as Last-Event-ID would be.
type frame struct{ id, name, data, comment string }

// reader reads a stream as the standard says a client does.
type reader struct {
	*testing.T
	response *http.Response
	lines    *bufio.Reader
	last     string
}

// next is the next block of lines that holds an event or a comment; false at the
// stream's end.
func (r *reader) next() (frame, bool) {
	r.Helper()
	var f frame
	var data []string
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return frame{}, false
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			f.id, f.data = r.last, strings.Join(data, "\n")
			if f.data != "" || f.comment != "" {
				return f, true
			}
		case name == "":
			f.comment = value
		case name == "id":
			r.last = value
		case name == "event":
			f.name = value
		case name == "data":
			data = append(data, value)
		}
	}
}

// event is the next event, past comments.
func (r *reader) event() frame {
	r.Helper()
	for {
		f, ok := r.next()
		if !ok {
			r.Fatal("the stream ended")
		}
		if f.data != "" {
			return f
		}
	}
}

// ends fails unless the stream ends now, past comments.
func (r *reader) ends() {
	r.Helper()
	for f, ok := r.next(); ok; f, ok = r.next() {
		if f.data != "" {
			r.Fatalf("%+v came instead of the end", f)
		}
	}
}

// serves puts a real server before the API, and says how to stop it.
func (w *world) serves() *httptest.Server {
	w.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = w.api.Server("")
	s.Start()
	w.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// reads opens a stream as ann's admin unless the request says otherwise.
func (w *world) reads(s *httptest.Server, path string, more ...with) *reader {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/"+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer admin@ann")
	for _, m := range more {
		m(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
	})
	return &reader{T: w.T, response: response, lines: bufio.NewReaderSize(response.Body, 1<<10)}
}

type tick struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

type ticks struct {
	From int `query:"from" minimum:"1"`
}

// streams mounts GET test/stream/, served by handler.
func (w *world) streams(handler func(ctx context.Context, in *ticks, to *readapi.EventStream[tick]) error) {
	readapi.Stream(w.api, readapi.Route{Path: "test/stream/", Summary: "Ticks", Least: es.Editor}, handler)
}

// forever waits for the stream's end.
func forever(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func quick(heartbeat time.Duration) func(*readapi.Options) {
	return func(o *readapi.Options) { o.Streaming.Heartbeat = heartbeat }
}

func TestAStreamTellsEventsAsTheStandardHasThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large := strings.Repeat("0123456789abcdef", 20<<10)
	w.streams(func(ctx context.Context, in *ticks, to *readapi.EventStream[tick]) error {
		return errors.Join(to.Open(),
			to.Send(ctx, readapi.ServerEvent[tick]{ID: "a", Name: "tick", Data: tick{N: in.From}}),
			to.Send(ctx, readapi.ServerEvent[tick]{Data: tick{Text: "two\nlines\r\x00 ü"}}, readapi.ServerEvent[tick]{ID: "b", Data: tick{Text: large}}),
			to.Send(ctx, readapi.ServerEvent[tick]{Data: tick{Text: to.LastEventID()}}))
	})
	s := w.serves()
	for _, path := range []string{"test/stream/?from=3&last_event_id=q", "test/stream?from=3&last_event_id=q"} {
		r := w.reads(s, path)
		h := r.response.Header
		if r.response.StatusCode != 200 || h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || h.Get("X-Throttle-Limit") == "" {
			t.Errorf("%d %v", r.response.StatusCode, h)
		}
		if f := r.event(); f != (frame{id: "a", name: "tick", data: `{"n":3}`}) {
			t.Errorf("first %+v", f)
		}
		var second, third tick
		if f := r.event(); f.id != "a" || f.name != "" || json.Unmarshal([]byte(f.data), &second) != nil || second.Text != "two\nlines\r\x00 ü" {
			t.Errorf("second %+v", f)
		}
		if f := r.event(); f.id != "b" || json.Unmarshal([]byte(f.data), &third) != nil || third.Text != large {
			t.Errorf("third: %d bytes", len(f.data))
		}
		if f := r.event(); f.data != `{"n":0,"text":"q"}` {
			t.Errorf("last %+v", f)
		}
		r.ends()
	}
	r := w.reads(s, "test/stream/?from=3&last_event_id=q", head("Last-Event-ID", "header"))
	for range 3 {
		r.event()
	}
	if f := r.event(); f.data != `{"n":0,"text":"header"}` {
		t.Errorf("the header did not win: %+v", f)
	}
}

func TestWhatIsWrongBeforeAStreamOpensIsAnOrdinaryAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var answers error
	w.streams(func(context.Context, *ticks, *readapi.EventStream[tick]) error { return answers })
	checkErrorShape(t, w.want(w.do("GET", "test/stream/?from=0", ""), 400, "invalid"), false)
	checkErrorShape(t, w.want(w.do("GET", "test/stream/", "", as("nobody")), 401, "bad_credentials"), false)
	checkErrorShape(t, w.want(w.do("GET", "test/stream/", "", as("viewer@ann")), 403, "forbidden"), false)
	answers = es.Refuse(es.Gone, "purged", "Gone.")
	checkErrorShape(t, w.want(w.do("GET", "test/stream/", ""), 410, "purged"), false)
	answers = io.ErrUnexpectedEOF
	checkErrorShape(t, w.want(w.do("GET", "test/stream/", ""), 500, "internal"), false)
	answers = nil
	w.want(w.do("GET", "test/stream/", ""), 204, "")
	h := w.want(w.do("HEAD", "test/stream/", "", head("If-None-Match", "*")), 200, "")
	if h.Header.Get("Content-Type") != "text/event-stream" || len(h.raw) > 0 {
		t.Errorf("HEAD: %v %q", h.Header, h.raw)
	}
	w.want(w.do("POST", "test/stream/", "{}"), 405, "method_not_allowed")
}

func TestWhatGoesWrongInAnOpenStreamIsItsLastEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.streams(func(_ context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
		return errors.Join(to.Open(), errors.New("a secret"))
	})
	r := w.reads(w.serves(), "test/stream/")
	f := r.event()
	var p readapi.Problem
	if err := json.Unmarshal([]byte(f.data), &p); err != nil || f.name != "error" || p.Status != 500 || p.Code != "internal" || p.RequestID != r.response.Header.Get("X-Request-ID") || strings.Contains(f.data, "secret") {
		t.Errorf("%+v %v", f, err)
	}
	r.ends()
	if !strings.Contains(w.logs.String(), "a secret") {
		t.Error("it is not in the log")
	}
}

func TestAHeartbeatKeepsAStreamAndItsPlaceAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quick(10*time.Millisecond))
	w.streams(func(ctx context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
		if err := to.Send(ctx, readapi.ServerEvent[tick]{ID: "a", Data: tick{N: 1}}); err != nil {
			return err
		}
		to.Mark("b")
		return forever(ctx)
	})
	r := w.reads(w.serves(), "test/stream/")
	r.event()
	for range 3 {
		if f, ok := r.next(); !ok || f.comment != "heartbeat" || r.last != "b" {
			t.Fatalf("%+v, at %s", f, r.last)
		}
	}
}

// wary is an Authenticator whose mind changes.
type wary struct {
	people
	refuses atomic.Pointer[error]
	asked   atomic.Int64
}

func (a *wary) Authenticate(ctx context.Context, token string) (readapi.Principal, error) {
	a.asked.Add(1)
	if err := a.refuses.Load(); err != nil {
		return readapi.Principal{}, *err
	}
	return a.people.Authenticate(ctx, token)
}

func (a *wary) refuse(err error) { a.refuses.Store(&err) }

func TestAStreamEndsWhenItsReaderMayNoLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code readapi.Code
	}{
		"the token expired or was revoked": {readapi.ErrBadCredentials, "bad_credentials"},
		"the user was deleted":             {es.Refuse(es.Unauthorized, "token_invalid", "Gone."), "token_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guard := &wary{}
			w := newWorld(t, quick(10*time.Millisecond), func(o *readapi.Options) {
				guard.people, _ = o.Authenticator.(people)
				o.Authenticator = guard
			})
			w.streams(func(ctx context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
				return errors.Join(to.Open(), forever(ctx))
			})
			r := w.reads(w.serves(), "test/stream/")
			guard.refuse(c.err)
			f := r.event()
			var p readapi.Problem
			if err := json.Unmarshal([]byte(f.data), &p); err != nil || f.name != "error" || p.Status != 401 || p.Code != c.code {
				t.Errorf("%+v %v", f, err)
			}
			r.ends()
		})
	}
}

// fickle is a Gate that closes.
type fickle struct{ closed atomic.Bool }

func (g *fickle) Admit(context.Context, readapi.Principal) error {
	if g.closed.Load() {
		return es.Refuse(es.Forbidden, "account_suspended", "Suspended.")
	}
	return nil
}

func TestNothingIsSentAfterTheAccountWasStopped(t *testing.T) {
	t.Parallel()
	gate, now := &fickle{}, atomic.Int64{}
	w := newWorld(t, func(o *readapi.Options) {
		o.Gate = gate
		o.Clock = func() time.Time { return time.Unix(1_800_000_000+now.Load(), 0) }
	})
	sent := make(chan error, 1)
	begin := make(chan struct{})
	w.streams(func(ctx context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
		if err := to.Open(); err != nil {
			return err
		}
		<-begin
		err := to.Send(ctx, readapi.ServerEvent[tick]{Data: tick{N: 1}})
		sent <- err
		return err
	})
	r := w.reads(w.serves(), "test/stream/")
	gate.closed.Store(true)
	now.Add(2)
	close(begin)
	if f := r.event(); f.name != "error" || !strings.Contains(f.data, "account_suspended") {
		t.Errorf("%+v", f)
	}
	if err := <-sent; err == nil {
		t.Error("the handler was told that it was sent")
	}
	r.ends()
}

func TestACallerHasSoManyStreamsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Streaming.Each = 2 })
	w.streams(func(ctx context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
		return errors.Join(to.Open(), forever(ctx))
	})
	s := w.serves()
	first, _ := w.reads(s, "test/stream/"), w.reads(s, "test/stream/")
	if refused := w.want(w.do("GET", "test/stream/", ""), 429, "too_many_streams"); refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if other := w.reads(s, "test/stream/", as("admin@bob")); other.response.StatusCode != 200 {
		t.Error("another caller has no room")
	}
	if open := w.api.OpenStreams()["/api/v1/test/stream/"]; open != 3 {
		t.Errorf("%d are open", open)
	}
	_ = first.response.Body.Close()
	for again := w.reads(s, "test/stream/"); again.response.StatusCode != 200; again = w.reads(s, "test/stream/") {
		_ = again.response.Body.Close()
	}
}

func TestAReaderThatTakesNothingIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Streaming.Patience = 50 * time.Millisecond })
	dropped := make(chan error, 1)
	w.streams(func(ctx context.Context, _ *ticks, to *readapi.EventStream[tick]) error {
		text := strings.Repeat("x", 1<<20)
		for {
			if err := to.Send(ctx, readapi.ServerEvent[tick]{Data: tick{Text: text}}); err != nil {
				dropped <- ctx.Err()
				return err
			}
		}
	})
	w.reads(w.serves(), "test/stream/")
	select {
	case err := <-dropped:
		if err == nil {
			t.Error("the stream's context goes on")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a reader that takes nothing")
	}
}

func TestShutdownEndsStreamsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := make(chan struct{}, 1)
	w.streams(func(ctx context.Context, in *ticks, to *readapi.EventStream[tick]) error {
		if err := to.Open(); err != nil || in.From == 0 {
			return errors.Join(err, forever(ctx))
		}
		text := strings.Repeat("x", 64<<10)
		for {
			select {
			case full <- struct{}{}:
			default:
			}
			if err := to.Send(ctx, readapi.ServerEvent[tick]{Data: tick{Text: text}}); err != nil {
				return err
			}
		}
	})
	s := w.serves()
	idle, _ := w.reads(s, "test/stream/"), w.reads(s, "test/stream/?from=1")
	<-full
	start := time.Now()
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	idle.ends()
	w.want(w.do("GET", "test/stream/", ""), 503, "unavailable")
}

func TestTheDocumentTellsOfStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.streams(func(context.Context, *ticks, *readapi.EventStream[tick]) error { return nil })
	document, v := documentOf(t, w.api)
	if ok, errs := v.ValidateDocument(); !ok {
		t.Errorf("%v", errs[0])
	}
	op := document.Paths["/api/v1/test/stream/"]["get"]
	raw, err := json.Marshal(op.Responses["200"])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), `"text/event-stream"`) || !strings.Contains(string(raw), `#/components/schemas/Tick`) || strings.Contains(string(raw), "application/json") || op.Responses["429"] == nil {
		t.Errorf("%s", raw)
	}
}
