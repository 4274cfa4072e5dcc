package billing_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/billing"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/snapshots"
	"github.com/igny8/igny8/infra/vault"
)

// world is one database, with as many processes upon it as are asked for.
type world struct {
	testing.TB
	db       *pgtest.DB
	master   *vault.MasterKey
	registry *es.Registry
	store    *eventstore.Store
	log      *eventstore.Log
	bus      *commands.Bus
	*Service
	account es.ID
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{TB: tb, db: pgtest.New(tb), account: commands.NewID()}
	var err error
	w.master, err = vault.OpenMasterKey(filepath.Join(tb.TempDir(), "master.key"))
	w.must(err)
	w.registry = es.NewRegistry(slices.Concat(tenancy.Kinds(), billing.Kinds())...)
	w.log = eventstore.NewLog(w.db.Postgres.Pool(postgres.RoleProjector))
	tb.Cleanup(w.log.Close)
	w.bus, w.store = w.process(commands.Config{})
	w.Service = &Service{Bus: w.bus}
	w.must(tenants.Seed(tb.Context(), w.bus))
	return w
}

// process is a bus of its own, as another process has it.
func (w *world) process(c commands.Config) (*commands.Bus, *eventstore.Store) {
	w.Helper()
	store := eventstore.NewStore(w.db.Postgres.Pool(postgres.RoleAppender))
	w.Cleanup(store.Close)
	sealer := vault.New(w.db.Postgres.Pool(postgres.RoleAppender), w.master, vault.Config{})
	bus := commands.New(store, sealer, w.registry, slices.Concat(tenants.Ops(), Ops()), c)
	return bus.WithSnapshots(snapshots.New(w.db.Postgres.Pool(postgres.RoleAppender)), slog.New(slog.DiscardHandler)), store
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// open opens the account's ledger with credits that never expire.
func (w *world) open(credits int64) {
	w.Helper()
	_, err := w.bus.Do(w.Context(), w.ask(OpenLedger{Plan: "free", Included: credits}))
	w.must(err)
}

// ask makes a command of the product's own upon the account's ledger.
func (w *world) ask(payload any) commands.Request {
	return commands.Request{Tenant: es.Tenant{Account: w.account}, Actor: es.System(), Target: w.account, Payload: payload}
}

// charge is one for a piece of work of its own.
func (w *world) charge() Charge {
	command := commands.NewID()
	return Charge{
		Reservation: es.Derive(command, "reservation", 0), Operation: billing.Clustering, Job: es.Derive(command, "job", 0),
		By: commands.Request{
			Tenant: es.Tenant{Account: w.account, Site: es.Derive(w.account, "site", 0)}, Command: command,
			Actor:   es.Actor{Kind: es.UserActor, ID: es.Derive(w.account, "user", 0), Role: es.Editor},
			Request: "request-of-" + command.String()[:8], Correlation: es.Derive(command, "correlation", 0),
		},
	}
}

func (w *world) balance() BalanceOf {
	w.Helper()
	b, err := w.Balance(w.Context(), w.account)
	w.must(err)
	return b
}

// has fails unless the account's ledger holds this.
func (w *world) has(available, reserved, committed int64) {
	w.Helper()
	if b := w.balance(); b.Available != available || b.Reserved != reserved || b.Totals.Committed != committed {
		w.Errorf("%d available, %d reserved, %d committed; want %d, %d, %d", b.Available, b.Reserved, b.Totals.Committed, available, reserved, committed)
	}
}

// history is every event of the account's ledger, as it is stored.
func (w *world) history() (recs []es.Recorded, events []es.Event) {
	w.Helper()
	recs, err := w.store.ReadStream(w.Context(), es.StreamID{Account: w.account, Kind: billing.LedgerKind.Name, ID: w.account}, 1)
	w.must(err)
	for _, rec := range recs {
		e, err := w.registry.Decode(rec)
		w.must(err)
		events = append(events, e)
	}
	return recs, events
}

func soon() time.Time { return time.Now().Add(time.Hour) }

func word(err error) string {
	var e *es.Error
	if errors.As(err, &e) {
		return e.Word()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
