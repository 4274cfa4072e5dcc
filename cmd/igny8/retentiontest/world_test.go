// Package retentiontest_test proves retention and erasure where all of it meets: what
// commands ask, what infra keeps of it, and the read models of every module.
package retentiontest_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	people "github.com/igny8/igny8/commands/identity"
	planning "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/retention"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/erasures"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	tables "github.com/igny8/igny8/infra/retention"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
	identityrows "github.com/igny8/igny8/projections/identity"
	plannerrows "github.com/igny8/igny8/projections/planner"
	due "github.com/igny8/igny8/projections/retention"
	tenancyrows "github.com/igny8/igny8/projections/tenancy"
)

func allKinds() []es.AnyKind {
	return slices.Concat([]es.AnyKind{identity.UserKind}, tenancy.Kinds(), planner.Kinds())
}

// parts are what a process of the product has, over a database. The clock is as
// far ahead as the test says.
type parts struct {
	pool   func(postgres.Role) *pgxpool.Pool
	store  *eventstore.Store
	log    *eventstore.Log
	vault  *vault.Vault
	bus    *commands.Bus
	admin  *projections.Admin
	holds  tenants.LegalHolds
	tokens *credentials.Tokens
	words  *credentials.Passwords
	dir    string // of the master key and the erasure log
	ahead  atomic.Int64
	step   func(string)
}

func (p *parts) now() time.Time          { return time.Now().Add(time.Duration(p.ahead.Load())) }
func (p *parts) forward(d time.Duration) { p.ahead.Add(int64(d)) }

const day = 24 * time.Hour

func open(pool func(postgres.Role) *pgxpool.Pool, dir string, step func(string)) (*parts, error) {
	p := &parts{pool: pool, dir: dir, step: step}
	master, err := vault.OpenMasterKey(filepath.Join(dir, "master.key"))
	if err != nil {
		return nil, err
	}
	registry := es.NewRegistry(allKinds()...)
	p.vault = vault.New(pool(postgres.RoleAppender), master, vault.Config{PersonalScopes: []string{identity.EmailScope}})
	p.store, p.log = eventstore.NewStore(pool(postgres.RoleAppender)), eventstore.NewLog(pool(postgres.RoleProjector))
	p.bus = commands.New(p.store, p.vault, registry, slices.Concat(people.Ops(), tenants.Ops(), planning.Ops()), commands.Config{Clock: p.now, Step: step})
	p.bus.WithAccounts(tenants.Accounts{Bus: p.bus})
	p.holds = tenants.LegalHolds{Bus: p.bus, Purges: tables.NewPurges(pool(postgres.RoleAppender))}
	p.admin = &projections.Admin{
		Owner: pool(postgres.RoleOwner), Projector: pool(postgres.RoleProjector), Log: p.log, Registry: registry,
		Projections: slices.Concat([]projections.Projection{identityrows.Users(), due.Due(allKinds())}, tenancyrows.ReadModels(), plannerrows.ReadModels()),
	}
	p.tokens = credentials.NewTokens(pool(postgres.RoleLogin))
	p.words = credentials.NewPasswords(pool(postgres.RoleLogin), credentials.NewHasher(credentials.Cost{Memory: 64, Time: 1, Threads: 1}))
	return p, nil
}

func (p *parts) close() {
	p.store.Close()
	p.log.Close()
}

func (p *parts) sweep(ctx context.Context) (retention.Swept, error) {
	s := retention.Sweep{
		Bus: p.bus, Holds: held{p.holds}, Clock: p.now, Logger: slog.New(slog.DiscardHandler),
		List: tables.NewList(p.pool(postgres.RoleProjector), due.Due(nil).Key().Table()),
	}
	return s.Run(ctx, func(int64) {})
}

func (p *parts) blanking() retention.Blanking {
	erasure := p.erasure()
	return retention.Blanking{
		Worklist: tables.NewWorklist(p.pool(postgres.RoleProjector), p.log, allKinds()),
		Readers:  []retention.Readers{tables.ReadModels{Admin: p.admin}},
		Holds:    held{p.holds}, Store: p.store, Patience: 5 * time.Second, Step: p.step,
		FollowUps: map[string]retention.FollowUp{identity.UserKind.Name: erasure.Person, tenancy.AccountKind.Name: erasure.Account},
	}
}

func (p *parts) erasure() retention.Erasure {
	return retention.Erasure{
		Keys: keys{p.vault}, Passwords: p.words, Sessions: p.tokens, Receipts: erasures.New(p.erasureLog()),
	}
}

func (p *parts) erasureLog() string { return filepath.Join(p.dir, "erasures.log") }

func (p *parts) blank(ctx context.Context) (retention.Blanked, error) {
	return p.blanking().Run(ctx, func(int64) {})
}

type held struct{ tenants.LegalHolds }

func (h held) Held(ctx context.Context, account es.ID) (bool, error) {
	hold, err := h.Of(ctx, account)
	return hold != nil, err
}

type keys struct{ *vault.Vault }

func (k keys) Erase(ctx context.Context, account, subject es.ID) (time.Time, error) {
	r, err := k.Vault.Erase(ctx, account, subject)
	return r.ErasedAt, err
}

func (k keys) Unerased(ctx context.Context, receipts []retention.Receipt) (unerased []retention.Receipt, err error) {
	var persons []vault.Erasure
	for _, r := range receipts {
		persons = append(persons, vault.Erasure{Account: r.Account, Subject: r.Subject})
	}
	found, err := k.Vault.Unerased(ctx, persons)
	for _, e := range found {
		unerased = append(unerased, retention.Receipt{Account: e.Account, Subject: e.Subject})
	}
	return unerased, err
}

// world is an account with a site and a sector, whose read models are fed.
type world struct {
	*testing.T
	*parts
	db            *pgtest.DB
	root          *pgx.Conn // whom row-level security does not hold
	reader        *projections.Reader
	account       es.ID
	site, section es.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, db: pgtest.New(t), account: commands.NewID()}
	var err error
	w.parts, err = open(w.db.Postgres.Pool, t.TempDir(), nil)
	w.must(err)
	t.Cleanup(w.close)
	w.root, err = pgx.Connect(t.Context(), w.db.AdminURL)
	w.must(err)
	t.Cleanup(func() { _ = w.root.Close(context.Background()) })
	w.must(w.admin.Ensure(t.Context(), nil))
	positions := projections.NewPositions()
	w.reader = projections.NewReader(w.pool(postgres.RoleApp), positions)
	runner := projections.NewRunner(projections.Config{
		Pool: w.pool(postgres.RoleProjector), Log: w.log, Registry: w.admin.Registry, Projections: w.admin.Projections, Positions: positions,
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	w.must(tenants.Seed(t.Context(), w.bus))
	_, err = tenants.Open(t.Context(), w.bus, commands.Request{Actor: es.System(), Target: w.account}, tenants.CreateAccount{Name: "Ann", Plan: "scale"})
	w.must(err)
	w.site = w.do(es.ID{}, tenants.CreateSite{Name: "S", Domain: "s.example.com", Industry: "technology-software"}).Stream.ID
	w.section = w.do(es.ID{}, tenants.CreateSector{SiteID: w.site, Name: "A"}).Stream.ID
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) request(target es.ID, payload any) commands.Request {
	tenant := es.Tenant{Account: w.account}
	switch payload.(type) {
	case tenants.CreateSector:
		tenant.Site = w.site
	case planning.CreateKeyword, planning.CreateCluster:
		tenant.Site, tenant.Sector = w.site, w.section
	}
	return commands.Request{Tenant: tenant, Actor: es.System(), Target: target, Payload: payload}
}

func (w *world) do(target es.ID, payload any) commands.Outcome {
	w.Helper()
	o, err := w.bus.Do(w.Context(), w.request(target, payload))
	w.must(err)
	return o
}

// keywords makes n keywords and soft-deletes them.
func (w *world) keywords(n int) []es.ID {
	w.Helper()
	ids, requests := make([]es.ID, n), make([]commands.Request, n)
	for i := range ids {
		ids[i] = commands.NewID()
		requests[i] = w.request(ids[i], planning.CreateKeyword{SiteID: w.site, SectorID: w.section, Keyword: fmt.Sprintf("best %s %d", ids[i].String()[24:], i)})
	}
	w.all(requests)
	for i, id := range ids {
		requests[i] = w.request(id, commands.Delete{Kind: planner.KeywordKind.Name})
	}
	w.all(requests)
	return ids
}

func (w *world) all(requests []commands.Request) {
	w.Helper()
	_, errs := w.bus.DoAll(w.Context(), requests, 64)
	for _, err := range errs {
		w.must(err)
	}
}

// settle waits until the read models are at the end of the log.
func (w *world) settle() {
	w.Helper()
	head, err := w.log.Head(w.Context())
	w.must(err)
	var all []projections.Key
	for _, p := range w.admin.Projections {
		all = append(all, p.Key())
	}
	w.must(w.reader.WaitFor(w.Context(), all, head))
}

// swept and blanked are what a run over everything came to.
func (w *world) swept() retention.Swept {
	w.Helper()
	w.settle()
	s, err := w.sweep(w.Context())
	w.must(err)
	return s
}

func (w *world) blanked() retention.Blanked {
	w.Helper()
	b, err := w.blank(w.Context())
	w.must(err)
	return b
}

// left counts the events of the aggregates whose data is there, but for Purged.
func (w *world) left(ids ...es.ID) (n int) {
	w.Helper()
	w.must(w.root.QueryRow(w.Context(), `SELECT count(*) FROM event_log WHERE stream_id = ANY($1) AND data IS NOT NULL AND type NOT LIKE '%.purged.v1'`, ids).Scan(&n))
	return n
}

// same fails unless the read models equal a rebuild.
func (w *world) same() {
	w.Helper()
	w.settle()
	differences, err := w.admin.Compare(w.Context(), nil, nil)
	w.must(err)
	for _, d := range differences {
		w.Errorf("%s %s: %s", d.Table, d.Side, d.Row)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.Helper()
	w.must(w.root.QueryRow(w.Context(), sql, args...).Scan(&n))
	return n
}

func TestMain(m *testing.M) {
	if os.Getenv(childDatabase) != "" {
		purgeUntilKilled()
		os.Exit(0)
	}
	os.Exit(m.Run())
}
