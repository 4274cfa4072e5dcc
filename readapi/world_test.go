package readapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/system"
)

// A widget is the aggregate of these tests.
type widget struct {
	es.Entity
	WidgetDetails
}

type WidgetDetails struct {
	Name  string      `json:"name"`
	Size  *int64      `json:"size"`
	Maker es.Personal `json:"maker"`
}

type (
	widgetMade    struct{ WidgetDetails }
	widgetChanged struct{ WidgetDetails }
)

func (widgetMade) EventType() string    { return "test.widget.made.v1" }
func (widgetChanged) EventType() string { return "test.widget.changed.v1" }

func widgetKind() es.Kind[widget] {
	return es.Kind[widget]{
		Name: "test.widget", Events: es.Events(widgetMade{}, widgetChanged{}).WithLifecycle(),
		Evolve: func(w *widget, e es.Event) {
			switch e := e.(type) {
			case widgetMade:
				w.WidgetDetails = e.WidgetDetails
			case widgetChanged:
				w.WidgetDetails = e.WidgetDetails
			}
		},
		Holds: func(w widget) es.Held {
			return es.Held{Unique: []es.Unique{{Scope: "test.widget.name", Key: w.Name, Field: "name"}}}
		},
	}
}

type makeWidget struct {
	ID    es.ID  `json:"id,omitzero"`
	Name  string `json:"name" minLength:"1" maxLength:"20"`
	Size  *int64 `json:"size,omitempty" minimum:"0"`
	Maker string `json:"maker,omitempty"`
	Then  string `json:"then,omitempty" doc:"A test's own wish: panic, sleep."`
}

func (c makeWidget) ClientID() es.ID { return c.ID }

func (c makeWidget) Decide(es.Env, widget) ([]es.Event, error) {
	return []es.Event{widgetMade{WidgetDetails{Name: c.Name, Size: c.Size, Maker: es.NewPersonal(c.Maker)}}}, nil
}

type changeWidget struct {
	Name commands.Optional[string] `json:"name,omitzero" nullable:"false" minLength:"1" maxLength:"20"`
	Size commands.Optional[int64]  `json:"size,omitzero" minimum:"0"`
}

func (c changeWidget) Decide(_ es.Env, w widget) ([]es.Event, error) {
	d := w.WidgetDetails
	d.Name, d.Size = c.Name.Or(d.Name), c.Size.Pointer(d.Size)
	if d.Name == w.Name && d.Size == w.Size {
		return nil, nil
	}
	return []es.Event{widgetChanged{d}}, nil
}

type widgetRow struct {
	table.Base
	Name  string      `db:"name" json:"name" filter:"eq,in" sort:"true" search:"true"`
	Size  *int64      `db:"size" json:"size" filter:"eq,in,gte,lte,isnull" sort:"true"`
	Maker es.Personal `db:"maker" json:"maker"`
}

func widgets() *table.Table[widgetRow] {
	return table.New(table.Spec[widgetRow]{
		Name: "test_widgets", Version: 1, Kind: widgetKind(),
		Evolve: func(row *widgetRow, e es.Event) {
			switch e := e.(type) {
			case widgetMade:
				row.Name, row.Size, row.Maker = e.Name, e.Size, e.Maker
			case widgetChanged:
				row.Name, row.Size, row.Maker = e.Name, e.Size, e.Maker
			}
		},
	})
}

// world is an edge over real everything but the event store, which is the
// memory one, and authentication.
type world struct {
	*testing.T
	api   *readapi.API
	bus   *slowBus
	store *memory.Store
	logs  *safeBuffer
	ann   es.ID // account
	bob   es.ID // another
}

// slowBus is the Bus with a place for a test to hold a command.
type slowBus struct {
	*commands.Bus
	before func(ctx context.Context, r commands.Request) error
}

func (b *slowBus) Do(ctx context.Context, r commands.Request) (commands.Outcome, error) {
	if b.before != nil {
		if err := b.before(ctx, r); err != nil {
			return commands.Outcome{}, err
		}
	}
	return b.Bus.Do(ctx, r)
}

// people are the tokens that the worlds know: "<role>@<account>".
type people map[string]es.ID

func (p people) Authenticate(_ context.Context, token string) (readapi.Principal, error) {
	role, account, _ := strings.Cut(token, "@")
	id, ok := p[account]
	if !ok {
		return readapi.Principal{}, readapi.ErrBadCredentials
	}
	actor := es.Derive(id, role, 0)
	return readapi.Principal{Account: id, Actor: es.Actor{Kind: es.UserActor, ID: actor, Role: es.Role(role)}}, nil
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(t *testing.T, options ...func(*readapi.Options)) *world {
	t.Helper()
	w := &world{T: t, store: memory.New(), logs: &safeBuffer{}, ann: commands.NewID(), bob: commands.NewID()}
	db := pgtest.New(t).Postgres
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	sealer := vault.New(db.Pool(postgres.RoleAppender), master, vault.Config{})
	registry := es.NewRegistry(widgetKind())
	rows := widgets()
	w.bus = &slowBus{Bus: commands.New(w.store, sealer, registry, append(
		commands.Lifecycle(widgetKind(), es.Editor, es.Admin),
		commands.Create[makeWidget](widgetKind(), es.Editor, commands.InAccount),
		commands.On[changeWidget](widgetKind(), "change", es.Editor),
	), commands.Config{}).WithShape("test.widget", commands.Shape{Fold: rows.Fold})}

	positions := project(t, db, w.store, registry, rows)
	o := readapi.Options{
		Bus: w.bus, Idempotency: idempotency.New(db.Pool(postgres.RoleLogin), sealer),
		Reader: projections.NewReader(db.Pool(postgres.RoleApp), positions), Opener: sealer,
		Authenticator: people{"ann": w.ann, "bob": w.bob}, Key: bytes.Repeat([]byte("k"), 32),
		Logger: slog.New(slog.NewTextHandler(w.logs, nil)), Unthrottled: true,
	}
	for _, option := range options {
		option(&o)
	}
	w.api = readapi.New(o)
	readapi.Resource(w.api, readapi.ResourceSpec[widgetRow]{Path: "test/widgets", Kind: "test.widget", Table: rows},
		readapi.CreateWith[makeWidget](), readapi.ChangeWith[changeWidget](), readapi.Lifecycle())
	readapi.Resource(w.api, readapi.ResourceSpec[widgetRow]{Path: "test/guarded", Kind: "test.widget", Table: rows, RequireIfMatch: true},
		readapi.ChangeWith[changeWidget](), readapi.Lifecycle())
	system.Feed{Log: w.store, Tail: w.store, Registry: registry, Opener: sealer}.Mount(w.api)
	w.mountOddities()
	return w
}

// project keeps the table up to date until the test ends.
func project(t *testing.T, db *postgres.DB, log projections.Log, registry *es.Registry, rows projections.Projection) *projections.Positions {
	t.Helper()
	all := []projections.Projection{rows}
	admin := &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector),
		Log: log, Registry: registry, Projections: all,
	}
	if err := admin.Ensure(t.Context(), func(projections.Progress) {}); err != nil {
		t.Fatal(err)
	}
	positions := projections.NewPositions()
	runner := projections.NewRunner(projections.Config{
		Pool: db.Pool(postgres.RoleProjector), Log: log, Registry: registry, Projections: all, Positions: positions,
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = runner.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
	})
	return positions
}

// oddities are routes that misbehave on demand.
func (w *world) mountOddities() {
	type odd struct {
		Way  string `path:"way"`
		N    int    `query:"n" minimum:"1"`
		Mark string `header:"X-Mark" maxLength:"3"`
	}
	type said struct {
		Said string `json:"said"`
	}
	readapi.Handle(w.api, readapi.Route{Method: http.MethodGet, Path: "test/odd/{way}/", Public: true, Summary: "odd"},
		func(ctx context.Context, in *odd) (*said, error) {
			switch in.Way {
			case "panic":
				panic("secret of the panic")
			case "error":
				return nil, io.ErrUnexpectedEOF
			case "wait":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &said{in.Way}, nil
		})
	type login struct {
		Body struct {
			Name  string  `json:"name" minLength:"1"`
			Limit *int64  `json:"limit,omitempty"`
			Since float64 `json:"since,omitempty"`
		}
	}
	type tokens struct {
		Name  string `json:"name"`
		Token string `json:"token" secret:"true"`
	}
	readapi.Handle(w.api, readapi.Route{Method: http.MethodPost, Path: "test/login/", Public: true, Summary: "log in"},
		func(_ context.Context, in *login) (*tokens, error) { return &tokens{in.Body.Name, "s3cret"}, nil })
}

// answer is what came back.
type answer struct {
	*http.Response
	raw  []byte
	body map[string]any
}

type with func(*http.Request)

func as(token string) with { return head("Authorization", "Bearer "+token) }

func head(name, value string) with {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// do asks as ann's admin unless the request says otherwise.
func (w *world) do(method, path, body string, more ...with) *answer {
	w.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(w.Context(), method, "/", reader)
	target, query, _ := strings.Cut(path, "?")
	if !strings.HasPrefix(target, "/") {
		target = "/api/v1/" + target
	}
	r.URL.Path, r.URL.RawQuery = target, query
	r.Header.Set("Authorization", "Bearer admin@ann")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, m := range more {
		m(r)
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) *answer {
	w.Helper()
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, r)
	a := &answer{Response: recorder.Result(), raw: recorder.Body.Bytes()}
	w.Cleanup(func() { _ = a.Body.Close() })
	if len(a.raw) > 0 && strings.Contains(a.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(a.raw, &a.body); err != nil {
			w.Fatalf("%s %s answered no JSON object: %s", r.Method, r.URL, a.raw)
		}
	}
	return a
}

// want checks the status, and the code of an error.
func (w *world) want(a *answer, status int, code string) *answer {
	w.Helper()
	if a.StatusCode != status {
		w.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.raw)
	}
	if code != "" && a.body["code"] != code {
		w.Fatalf("code %v, want %s: %s", a.body["code"], code, a.raw)
	}
	return a
}

func (a *answer) data() map[string]any {
	data, _ := a.body["data"].(map[string]any)
	return data
}

func (a *answer) id() string { return text(a.data()["id"]) }

func (a *answer) results() []map[string]any {
	list, _ := a.body["results"].([]any)
	out := make([]map[string]any, len(list))
	for i, one := range list {
		out[i], _ = one.(map[string]any)
	}
	return out
}

func (a *answer) field(name string) string {
	errors, _ := a.body["errors"].(map[string]any)
	list, _ := errors[name].([]any)
	if len(list) == 0 {
		return ""
	}
	return text(list[0])
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// made is a widget that was created, and shows in lists.
func (w *world) made(name string, more ...with) *answer {
	w.Helper()
	a := w.want(w.do("POST", "test/widgets/", `{"name":"`+name+`"}`, more...), 201, "")
	return a
}

// fresh makes a read wait for a write.
func fresh(a *answer) with { return head("X-Consistency-Token", a.Header.Get("X-Consistency-Token")) }
