package snapshots_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/snapshots"
)

type account struct {
	es.Entity
	Sum int
}

type paid struct {
	N    int    `json:"n"`
	Note string `json:"note"`
}

func (paid) EventType() string { return "bench.account.paid.v1" }

var accountKind = es.Kind[account]{
	Name: "bench.account", Events: es.Events(paid{}), Snapshots: 1,
	Evolve: func(a *account, e es.Event) {
		if e, ok := e.(paid); ok {
			a.Sum += e.N
		}
	},
}

// pay is asked for so many times at once; none is a no-op.
type pay struct{ Times int }

func (c pay) Decide(es.Env, account) ([]es.Event, error) {
	events := make([]es.Event, c.Times)
	for i := range events {
		events[i] = paid{N: i, Note: "a payment with as much to say as most of them have"}
	}
	return events, nil
}

type open struct{ pay }

type noVault struct{ commands.Vault }

func (noVault) Seal(_ context.Context, _ es.Envelope, e es.Event) (es.Event, error) { return e, nil }

func (noVault) Open(_ context.Context, _ es.ID, events []es.Event) ([]es.Event, error) {
	return events, nil
}

// BenchmarkAColdLoadOfALongStream is the first command upon a stream of 100,000
// events in a process that does not know it.
func BenchmarkAColdLoadOfALongStream(b *testing.B) {
	pool := pgtest.New(b).Postgres.Pool(postgres.RoleAppender)
	store := eventstore.NewStore(pool)
	b.Cleanup(store.Close)
	kept := snapshots.New(pool)
	ops := []commands.Op{
		commands.Create[open](accountKind, es.Editor, commands.InAccount),
		commands.On[pay](accountKind, "pay", es.Editor),
	}
	process := func(s commands.Snapshots) *commands.Bus {
		bus := commands.New(store, noVault{}, es.NewRegistry(accountKind), ops, commands.Config{})
		if s != nil {
			bus.WithSnapshots(s, slog.New(slog.DiscardHandler))
		}
		return bus
	}
	request := commands.Request{Tenant: es.Tenant{Account: commands.NewID()}, Actor: es.System(), Target: commands.NewID(), Payload: open{pay{1}}}
	do := func(bus *commands.Bus) commands.Outcome {
		o, err := bus.Do(b.Context(), request)
		if err != nil {
			b.Fatal(err)
		}
		return o
	}
	writer := process(kept)
	do(writer)
	request.Payload = pay{500}
	for range 200 {
		do(writer)
	}
	request.Payload = pay{}
	stream := es.StreamID{Account: request.Tenant.Account, Kind: accountKind.Name, ID: request.Target}
	for s, _, _ := kept.Snapshot(b.Context(), stream); s.Revision < 99_000; s, _, _ = kept.Snapshot(b.Context(), stream) {
	}
	for _, way := range []struct {
		name string
		kept commands.Snapshots
	}{{"without a snapshot", nil}, {"with one", kept}} {
		b.Run(way.name, func(b *testing.B) {
			var o commands.Outcome
			for b.Loop() {
				o = do(process(way.kept))
			}
			b.ReportMetric(float64(o.Revision), "events")
		})
	}
}
