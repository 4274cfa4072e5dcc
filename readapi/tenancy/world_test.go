package tenancy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	planning "github.com/igny8/igny8/commands/planner"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domainplanner "github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/bus"
	"github.com/igny8/igny8/infra/bus/deadletter"
	busstore "github.com/igny8/igny8/infra/bus/store"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/retention"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/planner"
	"github.com/igny8/igny8/projections/tenancy"
	"github.com/igny8/igny8/readapi"
	servingplans "github.com/igny8/igny8/readapi/planner"
	serving "github.com/igny8/igny8/readapi/tenancy"
)

// world is both modules over real everything but the event store, which is the
// memory one, and authentication: a token is "<role>@<account>".
type world struct {
	*testing.T
	api    *readapi.API
	bus    *commands.Bus
	store  *memory.Store
	admin  *projections.Admin
	reader *projections.Reader
	ann    es.ID
	bob    es.ID
}

// shaped is a table, whose rows writes answer.
type shaped interface {
	Kind() es.AnyKind
	Fold(row any, rec es.Recorded, e es.Event) any
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
	registry := es.NewRegistry(slices.Concat(domain.Kinds(), domainplanner.Kinds())...)
	models := slices.Concat(tenancy.ReadModels(), planner.ReadModels())
	w.bus = commands.New(w.store, sealer, registry, slices.Concat(tenants.Ops(), planning.Ops()), commands.Config{})
	for _, model := range models {
		if rows, ok := model.(shaped); ok {
			w.bus.WithShape(rows.Kind().KindName(), commands.Shape{Fold: rows.Fold})
		}
	}
	w.bus.WithAccounts(tenants.Accounts{Bus: w.bus})

	w.admin = &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector), Log: w.store, Registry: registry,
		Projections: models,
	}
	w.must(w.admin.Ensure(t.Context(), nil))
	positions := projections.NewPositions()
	w.reader = projections.NewReader(db.Pool(postgres.RoleApp), positions)
	logger := slog.New(slog.DiscardHandler)
	cascade := tenants.NewCascade(w.bus, registry, tenancy.NewTree(w.reader), w.store.Head, logger)
	groups := busstore.New(busstore.Config{Pool: db.Pool(postgres.RoleProjector), Log: w.store, Logger: logger})
	reactions, err := bus.NewRouter(bus.Config{
		Groups:      []commands.Reactions{{Group: "cascade", Types: cascade.Types(), React: []commands.Reaction{cascade.React}}},
		Subscribers: groups, DeadLetters: deadletter.New(db.Pool(postgres.RoleProjector)), Registry: registry, Logger: logger,
	})
	w.must(err)
	w.Cleanup(func() { w.must(groups.Close()) })
	w.background(projections.NewRunner(projections.Config{
		Pool: db.Pool(postgres.RoleProjector), Log: w.store, Registry: registry, Projections: w.admin.Projections, Positions: positions,
	}).Run)
	w.background(reactions.Run)

	followed := func(ctx context.Context, parent es.ID, position int64) error {
		return groups.Passed(ctx, "cascade", parent, position)
	}
	w.api = readapi.New(readapi.Options{
		Bus:         &commands.Settling{Bus: w.bus, Parents: []es.AnyKind{domain.SiteKind, domain.SectorKind}, Followed: followed, Head: w.store.Head},
		Idempotency: idempotency.New(db.Pool(postgres.RoleLogin), sealer), Reader: w.reader, Opener: sealer,
		Authenticator: people{"ann": w.ann, "bob": w.bob}, Key: bytes.Repeat([]byte("k"), 32), Logger: logger, Unthrottled: true,
	})
	serving.Mount(w.api, w.reader)
	serving.MountLegalHolds(w.api, tenants.LegalHolds{Bus: w.bus, Purges: retention.NewPurges(db.Pool(postgres.RoleAppender))})
	servingplans.Mount(w.api, servingplans.Jobs{})
	w.must(tenants.Seed(t.Context(), w.bus))
	for name, id := range map[string]es.ID{"Ann": w.ann, "Bob": w.bob} {
		_, err := tenants.Open(t.Context(), w.bus, commands.Request{Actor: es.System(), Target: id}, tenants.CreateAccount{Name: name, Plan: "starter"})
		w.must(err)
	}
	return w
}

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

// answer is what came back.
type answer struct {
	w      *world
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// do asks as ann's owner unless headers say otherwise; they come in pairs.
func (w *world) do(method, path, body string, headers ...string) *answer {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, "/api/v1/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer owner@ann")
	r.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, r)
	a := &answer{w: w, status: recorder.Code, header: recorder.Header(), raw: recorder.Body.String()}
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

func (a *answer) data(field string) any {
	data, _ := a.body["data"].(map[string]any)
	return data[field]
}

func (a *answer) id() string {
	id, _ := a.data("id").(string)
	return id
}

// names lists a field of the results.
func (a *answer) names(field string) []string {
	var names []string
	results, _ := a.body["results"].([]any)
	for _, r := range results {
		row, _ := r.(map[string]any)
		name, _ := row[field].(string)
		names = append(names, name)
	}
	return names
}

// list reads with the freshness that an earlier answer's token asks for.
func (w *world) list(path string, after *answer, headers ...string) *answer {
	w.Helper()
	return w.do("GET", path, "", append([]string{"X-Consistency-Token", after.header.Get("X-Consistency-Token"), "Prefer", "wait=5"}, headers...)...).want(200, "")
}
