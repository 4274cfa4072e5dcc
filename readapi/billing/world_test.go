package billing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	credits "github.com/igny8/igny8/commands/billing"
	tenants "github.com/igny8/igny8/commands/tenancy"
	domain "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/billing"
	"github.com/igny8/igny8/readapi"
	serving "github.com/igny8/igny8/readapi/billing"
)

// world is the module over real everything but the event store, which is the
// memory one, and authentication: a token is "<role>@<account>".
type world struct {
	*testing.T
	api     *readapi.API
	bus     *commands.Bus
	store   *memory.Store
	admin   *projections.Admin
	reader  *projections.Reader
	dues    billing.Dues
	credits *credits.Service
	ann     es.ID
	bob     es.ID
	ahead   atomic.Int64 // of the real time
}

type people map[string]es.ID

func (p people) Authenticate(_ context.Context, token string) (readapi.Principal, error) {
	role, account, _ := strings.Cut(token, "@")
	id, ok := p[account]
	if !ok {
		return readapi.Principal{}, readapi.ErrBadCredentials
	}
	return readapi.Principal{Account: id, Actor: es.Actor{Kind: es.UserActor, ID: es.Derive(id, role, 0), Role: es.Role(role)}}, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, store: memory.New(), ann: commands.NewID(), bob: commands.NewID()}
	db := pgtest.New(t).Postgres
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	w.must(err)
	sealer := vault.New(db.Pool(postgres.RoleAppender), master, vault.Config{})
	registry := es.NewRegistry(slices.Concat(domain.Kinds(), tenancy.Kinds())...)
	w.bus = commands.New(w.store, sealer, registry, slices.Concat(credits.Ops(), tenants.Ops()), commands.Config{Clock: w.now}).
		WithShape(domain.CostKind.Name, commands.Shape{Fold: billing.Costs().Fold})

	w.admin = &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector), Log: w.store, Registry: registry,
		Projections: billing.ReadModels(),
	}
	w.must(w.admin.Ensure(t.Context(), nil))
	positions := projections.NewPositions()
	w.reader = projections.NewReader(db.Pool(postgres.RoleApp), positions)
	w.background(projections.NewRunner(projections.Config{
		Pool: db.Pool(postgres.RoleProjector), Log: w.store, Registry: registry, Projections: w.admin.Projections, Positions: positions,
	}).Run)
	w.dues = billing.NewDues(db.Pool(postgres.RoleProjector))
	w.credits = &credits.Service{Bus: w.bus, History: billing.NewHistory(w.reader), Head: w.store.Head, Clock: w.now}
	w.api = readapi.New(readapi.Options{
		Bus: w.bus, Idempotency: idempotency.New(db.Pool(postgres.RoleLogin), sealer), Reader: w.reader, Opener: sealer,
		Authenticator: people{"ann": w.ann, "bob": w.bob, "platform": es.PlatformAccount}, Key: bytes.Repeat([]byte("k"), 32),
		Logger: slog.New(slog.DiscardHandler), Unthrottled: true,
	})
	serving.Mount(w.api, w.credits, w.reader)
	w.must(credits.Seed(t.Context(), w.bus))
	for _, account := range []es.ID{w.ann, w.bob} {
		_, err := w.bus.Do(t.Context(), commands.Request{
			Tenant: es.Tenant{Account: account}, Actor: es.System(), Target: account, Payload: credits.OpenLedger{Plan: "free", Included: 1000},
		})
		w.must(err)
	}
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())).UTC() }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(w.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = run(ctx)
	}()
	w.Cleanup(func() { cancel(); <-stopped })
}

// work reserves credits for a piece of work in ann's account.
func (w *world) work(operation string, reserve int64) credits.Charge {
	w.Helper()
	command := commands.NewID()
	c := credits.Charge{Reservation: es.Derive(command, "reservation", 0), Operation: operation, Job: es.Derive(command, "job", 0), By: commands.Request{
		Tenant: es.Tenant{Account: w.ann}, Actor: es.System(), Command: command, Request: "request-" + operation,
	}}
	w.must(w.credits.Reserve(w.Context(), c, reserve, w.now().Add(time.Hour)))
	return c
}

// answer is what came back.
type answer struct {
	w      *world
	status int
	body   map[string]any
	raw    string
}

// do asks with a token.
func (w *world) do(token, method, path, body string) *answer {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, "/api/v1/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, r)
	a := &answer{w: w, status: recorder.Code, raw: recorder.Body.String()}
	if err := json.Unmarshal(recorder.Body.Bytes(), &a.body); err != nil {
		w.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a
}

// want fails unless the answer has the status, and the code of an error.
func (a *answer) want(status int, code string) *answer {
	a.w.Helper()
	got, _ := a.body["code"].(string)
	if a.status != status || got != code {
		a.w.Fatalf("answered %d %q, want %d %q: %s", a.status, got, status, code, a.raw)
	}
	return a
}

// into reads a part of the answer.
func (a *answer) into(part string, v any) {
	a.w.Helper()
	data, err := json.Marshal(a.body[part])
	a.w.must(err)
	a.w.must(json.Unmarshal(data, v))
}

// caughtUp waits until the read models have everything.
func (w *world) caughtUp() {
	w.Helper()
	head, err := w.store.Head(w.Context())
	w.must(err)
	keys := []projections.Key{}
	for _, p := range billing.ReadModels() {
		keys = append(keys, p.Key())
	}
	w.must(w.reader.WaitFor(w.Context(), keys, head))
}

// same fails unless a rebuild of all tables gives the live rows.
func (w *world) same() {
	w.Helper()
	differences, err := w.admin.Compare(w.Context(), nil, nil)
	w.must(err)
	for _, d := range differences {
		w.Errorf("only %s has in %s: %s", d.Side, d.Table, d.Row)
	}
}
