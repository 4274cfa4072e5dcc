// Command bench measures what the design promises, on a private durable
// PostgreSQL of its own, and prints one table in Markdown. Everything is
// compared in one run, in turns, on one machine: the ratios mean more than the
// absolute figures. `make bench` runs it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgserver"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/migrations"
)

// sizes say how much is measured.
type sizes struct {
	while  time.Duration // of each thing that is measured in turns
	events int           // in the log of the read side
	full   int           // in the log that is called full
	many   int           // commands by one caller
}

func full() sizes {
	return sizes{while: 7 * time.Second, events: 300_000, full: 1_000_000, many: 10_000}
}

func quick() sizes {
	return sizes{while: 700 * time.Millisecond, events: 12_000, full: 20_000, many: 2_000}
}

func main() {
	var flags struct {
		Quick  bool     `help:"Small sizes: it proves that the measurements work, and measures little."`
		Only   []string `help:"Only these parts: start, latency, appends, hot, many, rest, flow, read, full." placeholder:"PART,..."`
		Binary string   `help:"The program to measure." default:"bin/igny8"`
	}
	debug.SetGCPercent(400) // as igny8 does.
	kong.Parse(&flags, kong.Description("Measure what the design promises and print a table."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	size := full()
	if flags.Quick {
		size = quick()
	}
	t := &tableOf{out: os.Stdout}
	if err := run(ctx, flags.Binary, flags.Only, size, t); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything, or only the named parts, in a temporary folder.
func run(ctx context.Context, binary string, only []string, size sizes, t *tableOf) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "igny8-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	t.begin()
	if len(only) == 0 || slices.Contains(only, "start") {
		if err := measureStart(ctx, binary, filepath.Join(folder, "start"), t); err != nil {
			return fmt.Errorf("start: %w", err)
		}
	}
	for _, part := range []struct {
		name string
		f    func(context.Context, *installation, sizes, *tableOf) error
	}{
		{"latency", measureLatency},
		{"appends", measureAppends},
		{"hot", measureHotStream},
		{"many", measureMany},
		{"rest", func(ctx context.Context, in *installation, size sizes, t *tableOf) error {
			return measureREST(ctx, in, binary, size, t)
		}},
		{"flow", func(ctx context.Context, in *installation, size sizes, t *tableOf) error {
			return measureFlow(ctx, in, binary, size, t)
		}},
		{"read", measureReadSide},
		{"full", measureFull},
	} {
		if len(only) > 0 && !slices.Contains(only, part.name) {
			continue
		}
		if err := onDatabase(ctx, filepath.Join(folder, part.name), func(in *installation) error {
			return part.f(ctx, in, size, t)
		}); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// installation is an empty, migrated database and its keys.
type installation struct {
	*postgres.DB
	folder   string
	adminURL string
	master   *vault.MasterKey
	store    *eventstore.Store
	log      *eventstore.Log
}

// onDatabase runs f on a private PostgreSQL of its own with the settings that
// serve has.
func onDatabase(ctx context.Context, folder string, f func(*installation) error) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: folder, Log: quiet})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }() // its folder goes away.
	in := &installation{folder: folder, adminURL: server.URL()}
	if in.master, err = vault.OpenMasterKey(in.keyFile()); err != nil {
		return err
	}
	key := in.master.Derive("postgres roles")
	if _, err := migrations.Up(ctx, in.adminURL, key, quiet); err != nil {
		return err
	}
	// Bare inserts go through the owner's pool: as many connections as help them.
	owner := postgres.DefaultLimits(postgres.RoleOwner)
	owner.Conns = 32
	if in.DB, err = postgres.Open(ctx, postgres.Options{
		URL: in.adminURL, MasterKey: key, Limits: map[postgres.Role]postgres.Limits{postgres.RoleOwner: owner},
	}); err != nil {
		return err
	}
	defer in.Close()
	in.store = eventstore.NewStore(in.Pool(postgres.RoleAppender))
	defer in.store.Close()
	in.log = eventstore.NewLog(in.Pool(postgres.RoleProjector))
	defer in.log.Close()
	return f(in)
}

func (in *installation) keyFile() string { return filepath.Join(in.folder, "master.key") }
