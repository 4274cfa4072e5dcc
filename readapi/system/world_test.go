package system_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/system"
)

type noted struct {
	Text string `json:"text"`
}

func (noted) EventType() string { return "test.note.noted.v1" }

type note struct{ es.Entity }

func noteKind() es.Kind[note] {
	return es.Kind[note]{Name: "test.note", Events: es.Events(noted{}), Evolve: func(*note, es.Event) {}}
}

// world is the feed behind a real server, over a store that tests append to.
type world struct {
	*testing.T
	store    commands.Store
	log      system.Log
	tail     system.Tail
	ann, bob es.ID
	sites    atomic.Pointer[[]es.ID] // that ann's people were granted; nil: all
	api      *readapi.API
	server   *httptest.Server
	address  string
}

// onMemory is for what does not depend on the store.
func onMemory(t *testing.T) *world {
	t.Helper()
	store := memory.New()
	w := &world{T: t, store: store, log: store, tail: store}
	w.serve()
	return w
}

// onPostgres reads as the application does.
func onPostgres(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t).Postgres
	store, log := eventstore.NewStore(db.Pool(postgres.RoleAppender)), eventstore.NewLog(db.Pool(postgres.RoleProjector))
	t.Cleanup(func() {
		store.Close()
		log.Close()
	})
	w := &world{T: t, store: store, log: eventstore.NewFeed(db.Pool(postgres.RoleApp)), tail: log}
	w.serve()
	return w
}

func (w *world) serve() {
	w.ann, w.bob = commands.NewID(), commands.NewID()
	w.start()
	w.Cleanup(func() { w.stop() })
}

// start puts a server before a new API, as a process that was started does.
func (w *world) start() {
	w.Helper()
	api := readapi.New(readapi.Options{
		Bus: nothing{}, Idempotency: nothing{}, Opener: nothing{}, Authenticator: w, Key: bytes.Repeat([]byte("k"), 32),
		Logger: slog.New(slog.DiscardHandler), Unthrottled: true, Streaming: readapi.Streaming{Heartbeat: 20 * time.Millisecond, Patience: 100 * time.Millisecond},
	})
	system.Feed{Log: w.log, Tail: w.tail, Registry: es.NewRegistry(noteKind()), Opener: nothing{}}.Mount(api)
	system.MountEventDocuments(api, es.NewRegistry(noteKind()))
	w.server = httptest.NewUnstartedServer(nil)
	w.api = api
	w.server.Config = api.Server("")
	w.server.Start()
	w.address = w.server.URL + "/api/v1/system/events/"
}

func (w *world) stop() {
	w.server.CloseClientConnections()
	w.server.Close()
}

// Authenticate knows "ann" and "bob".
func (w *world) Authenticate(_ context.Context, token string) (readapi.Principal, error) {
	p := readapi.Principal{Account: w.ann, Actor: es.Actor{Kind: es.UserActor, ID: w.ann, Role: es.Viewer}}
	switch token {
	case "ann":
		if sites := w.sites.Load(); sites != nil {
			p.Sites = *sites
		}
	case "bob":
		p.Account, p.Actor.ID = w.bob, w.bob
	default:
		return p, readapi.ErrBadCredentials
	}
	return p, nil
}

// nothing is what a feed does not need.
type nothing struct {
	commands.Idempotency
	readapi.Bus
}

func (nothing) OpenFields(context.Context, es.ID, []*es.Personal) error { return nil }

// happens appends one event of a new aggregate.
func (w *world) happens(account es.ID, text string, change ...func(*es.Envelope)) es.NewEvent {
	w.Helper()
	e, err := w.tries(account, text, change...)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) tries(account es.ID, text string, change ...func(*es.Envelope)) (es.NewEvent, error) {
	command := commands.NewID()
	data, salt := fmt.Appendf(nil, `{"text":%q}`, text), bytes.Repeat([]byte{7}, 32)
	e := es.NewEvent{Envelope: es.Envelope{
		ID: es.EventID(command, 0), Stream: es.StreamID{Account: account, Kind: "test.note", ID: commands.NewID()}, Revision: 1,
		Type: "test.note.noted.v1", Actor: es.System(), Correlation: command, Command: command, Request: command.String(),
		DataHash: es.HashData(salt, data),
	}, Data: data, Salt: salt}
	for _, c := range change {
		c(&e.Envelope)
	}
	_, err := w.store.Append(w.Context(), es.Append{Stream: e.Stream, Events: []es.NewEvent{e}})
	return e, err
}

// patience is when a test gives up on a request, or on what it waits for.
const patience = 30 * time.Second

func (w *world) request(who, path string, more ...string) *http.Request {
	w.Helper()
	address := w.address + path
	if strings.HasPrefix(path, "/") {
		address = w.server.URL + path
	}
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	w.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+who)
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return r
}

// pulled is an answer of the pull feed.
type pulled struct {
	status  int
	header  http.Header
	raw     string
	Results []system.CloudEvent
	Cursor  string
	Code    string
	Errors  map[string][]string
}

func (w *world) pull(who, query string, more ...string) pulled {
	w.Helper()
	answer, err := http.DefaultTransport.RoundTrip(w.request(who, query, more...))
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	p := pulled{status: answer.StatusCode, header: answer.Header, raw: string(raw)}
	if err != nil || json.Unmarshal(raw, &p) != nil {
		w.Fatalf("%v: %s", err, raw)
	}
	return p
}

// texts are what the notes among the events say.
func (w *world) texts(events []system.CloudEvent) string {
	w.Helper()
	var all []string
	for _, e := range events {
		var n noted
		if err := json.Unmarshal(e.Data, &n); err != nil {
			w.Fatal(err)
		}
		all = append(all, n.Text)
	}
	return strings.Join(all, " ")
}

// follower is a client that reads a stream.
type follower struct {
	*world
	response *http.Response
	lines    *bufio.Reader
	last     string // Last-Event-ID
}

// follow opens a stream.
func (w *world) follow(who, query string, more ...string) *follower {
	w.Helper()
	response, err := http.DefaultTransport.RoundTrip(w.request(who, "stream/"+query, more...))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(response.Body)
		w.Fatalf("%d %s", response.StatusCode, raw)
	}
	return &follower{world: w, response: response, lines: bufio.NewReaderSize(response.Body, 4<<10)}
}

// next reads up to the next event or heartbeat.
func (f *follower) next() (e system.CloudEvent, isEvent bool, err error) {
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, false, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			f.last = value
		case "":
			if value != "" {
				return e, false, nil
			}
		case "data":
			return e, true, json.Unmarshal([]byte(value), &e)
		}
	}
}

// events are the next n.
func (f *follower) events(n int) (events []system.CloudEvent) {
	f.Helper()
	for len(events) < n {
		e, isEvent, err := f.next()
		if err != nil {
			f.Fatalf("%v after %d of %d events", err, len(events), n)
		}
		if isEvent {
			events = append(events, e)
		}
	}
	return events
}

// heartbeats waits for n of them and fails if an event comes.
func (f *follower) heartbeats(n int) {
	f.Helper()
	for range n {
		if e, isEvent, err := f.next(); isEvent || err != nil {
			f.Fatalf("%+v %v", e, err)
		}
	}
}

func (f *follower) cut() { _ = f.response.Body.Close() }
