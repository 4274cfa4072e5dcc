package billing_test

import (
	"fmt"
	"testing"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/billing"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/vault"
)

// BenchmarkReserveAndCommit is one hot account: a pair an operation.
func BenchmarkReserveAndCommit(b *testing.B) {
	for _, open := range []int{0, 256} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			w := newWorld(b)
			w.open(1_000_000_000)
			for range open {
				w.must(w.Reserve(b.Context(), w.charge(), 1, soon()))
			}
			b.SetParallelism(32) // 64 callers on two cores
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c := w.charge()
					if err := w.Reserve(b.Context(), c, 3, soon()); err != nil {
						b.Error(err)
						return
					}
					if err := w.Commit(b.Context(), c, 2, 300); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
}

// BenchmarkLoadLedger reads a ledger of 100,000 events in a process that has
// never seen it.
func BenchmarkLoadLedger(b *testing.B) {
	w := newWorld(b)
	w.open(1_000_000_000)
	requests := make([]commands.Request, 0, 100_000)
	for range cap(requests) / 2 {
		c := w.charge()
		requests = append(requests,
			w.ask(ReserveCredits{NewReservation: billing.NewReservation{
				ID: c.Reservation, Work: billing.Work{Operation: c.Operation, Job: c.Job}, Credits: 3, ExpiresAt: soon(),
			}}))
	}
	for chunk := 0; chunk < len(requests); chunk += 500 {
		part := requests[chunk : chunk+500]
		_, errs := w.bus.DoAll(b.Context(), part, len(part))
		commits := make([]commands.Request, len(part))
		for i, r := range part {
			w.must(errs[i])
			reserve, _ := r.Payload.(ReserveCredits)
			commits[i] = w.ask(CommitCredits{Reservation: reserve.ID, Credits: 2, Units: 300})
		}
		_, errs = w.bus.DoAll(b.Context(), commits, len(part))
		for _, err := range errs {
			w.must(err)
		}
	}
	load := func(b *testing.B, fresh *commands.Bus) {
		b.Helper()
		l, err := commands.Load(b.Context(), fresh, billing.LedgerKind, w.account, w.account)
		if err != nil || l.Revision != 100_002 || len(l.Open) != 0 {
			b.Fatalf("revision %d, %d open, %v", l.Revision, len(l.Open), err)
		}
	}
	b.Run("events", func(b *testing.B) {
		for range b.N {
			sealer := vault.New(w.db.Postgres.Pool(postgres.RoleAppender), w.master, vault.Config{})
			load(b, commands.New(w.store, sealer, w.registry, Ops(), commands.Config{}))
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for range b.N {
			fresh, _ := w.process(commands.Config{})
			load(b, fresh)
		}
	})
}
