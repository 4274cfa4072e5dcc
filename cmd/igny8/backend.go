package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/billing"
	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	busstore "github.com/igny8/igny8/infra/bus/store"
	"github.com/igny8/igny8/infra/config"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgserver"
	"github.com/igny8/igny8/infra/snapshots"
	taskrows "github.com/igny8/igny8/infra/tasks"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/migrations"
	"github.com/igny8/igny8/projections"
)

// database is Postgres and the keys that go with it: one that DATABASE_URL
// names, the private one of another igny8 that runs in the data folder, or else
// a private one of our own.
type database struct {
	*postgres.DB
	adminURL string
	master   *vault.MasterKey
	private  *pgserver.Server // nil unless it is ours
}

// openDatabase opens it with its schema up to date. attach lets a command work
// beside the igny8 that serves in the same data folder.
func openDatabase(ctx context.Context, c config.Config, log *slog.Logger, attach bool) (*database, error) {
	d, err := reachDatabase(ctx, c, log, attach)
	if err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, d.adminURL, d.rolesKey(), log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if d.DB, err = postgres.Open(ctx, postgres.Options{URL: d.adminURL, MasterKey: d.rolesKey()}); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// reachDatabase finds or starts the server, and leaves its schema alone.
func reachDatabase(ctx context.Context, c config.Config, log *slog.Logger, attach bool) (*database, error) {
	d := &database{adminURL: c.DatabaseURL}
	if c.DatabaseURL == "" {
		server, err := pgserver.Start(ctx, pgserver.Options{Dir: c.DataDir, Log: log})
		var inUse *pgserver.InUseError
		switch {
		case err == nil:
			d.private, d.adminURL = server, server.URL()
		case attach && errors.As(err, &inUse):
			if d.adminURL, err = pgserver.Attach(c.DataDir); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
	var err error
	if d.master, err = vault.OpenMasterKey(c.MasterKeyFile); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) rolesKey() []byte { return d.master.Derive("postgres roles") }

func (d *database) close() error {
	if d.DB != nil {
		d.Close()
	}
	if d.private != nil {
		return d.private.Stop()
	}
	return nil
}

// backend is the write side and the log, over one database: what every role
// works with.
type backend struct {
	*database
	registry *es.Registry
	store    *eventstore.Store
	log      *eventstore.Log
	vault    *vault.Vault
	bus      *commands.Bus
	bell     *tasks.Bell   // wakes the workers of this process
	shares   busstore.Bell // wakes its consumers
	accounts tenancy.Accounts
	identity *identity.Service
	logger   *slog.Logger
	step     func(string)
}

// backendOptions say how a backend is opened.
type backendOptions struct {
	attach  bool         // beside the igny8 that serves in the data folder
	step    func(string) // see commands.Config; tests kill the process there
	chunk   int          // see commands.Config
	batches func(appends, events int, took time.Duration)
}

// openBackend opens the database, makes the read models' missing versions, and
// what every installation holds: the platform's account and its plans.
func openBackend(ctx context.Context, c config.Config, log *slog.Logger, o backendOptions) (*backend, error) {
	d, err := openDatabase(ctx, c, log, o.attach)
	if err != nil {
		return nil, err
	}
	b := &backend{database: d, registry: registry(), logger: log, step: o.step, bell: tasks.NewBell(), shares: busstore.NewBell()}
	b.store = eventstore.NewStore(d.Pool(postgres.RoleAppender), eventstore.WithBatches(o.batches))
	b.vault = vault.New(d.Pool(postgres.RoleAppender), d.master, vault.Config{PersonalScopes: personalScopes(), Log: log})
	b.bus = commands.New(b.store, b.vault, b.registry, operations(), commands.Config{Step: o.step, Chunk: o.chunk}).
		WithSnapshots(snapshots.New(d.Pool(postgres.RoleAppender)), log)
	b.log = eventstore.NewLog(d.Pool(postgres.RoleProjector), eventstore.WithListener(vault.Channel, b.forget),
		eventstore.WithListener(taskrows.Channel, b.bell.Ring), eventstore.WithListener(busstore.Channel, b.shares.Ring))
	for _, model := range readModels() {
		if table, ok := model.(rows); ok {
			b.bus.WithShape(table.Kind().KindName(), commands.Shape{Fold: table.Fold})
		}
	}
	b.accounts = tenancy.Accounts{Bus: b.bus}
	b.bus.WithAccounts(b.accounts)
	b.identity = b.newIdentity()
	if err := b.begin(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// forget drops what is in memory of a person who was erased, in this process or
// another. Where a notification may have been missed it drops everything.
func (b *backend) forget(payload string) {
	erased, _ := b.vault.Forget(payload) // the zero erasure where it is none.
	b.bus.Forget(erased.Account)
}

func (b *backend) begin(ctx context.Context) error {
	if err := tenancy.Seed(ctx, b.bus); err != nil {
		return fmt.Errorf("the platform's plans: %w", err)
	}
	if err := billing.Seed(ctx, b.bus); err != nil {
		return fmt.Errorf("the platform's prices: %w", err)
	}
	return nil
}

func (b *backend) admin() *projections.Admin {
	return &projections.Admin{
		Owner: b.Pool(postgres.RoleOwner), Projector: b.Pool(postgres.RoleProjector),
		Log: b.log, Registry: b.registry, Projections: readModels(),
	}
}

// close closes in the reverse order of opening.
func (b *backend) close() error {
	b.store.Close()
	b.log.Close()
	return b.database.close()
}
