package postgres_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// BenchmarkEventStore prints appends beside bare inserts, reads beside single
// queries and the latency to a reader, on a durable server. EVENTS fills the
// log first: EVENTS=1000000 go test -run - -bench EventStore -benchtime 1x
func BenchmarkEventStore(b *testing.B) {
	s := pgtest.NewServer(b)
	store := postgres.NewStore(s.Postgres.Pool(database.RoleAppender))
	defer store.Close()
	log := postgres.NewLog(s.Postgres.Pool(database.RoleProjector))
	defer log.Close()
	out := &strings.Builder{}
	events, _ := strconv.Atoi(os.Getenv("EVENTS"))
	begin := time.Now()
	if err := bench.Fill(b.Context(), store, events, func(int) {}); err != nil {
		b.Fatal(err)
	}
	if events > 0 {
		fmt.Fprintf(out, "\n%d events in bulk: %.0f/s", events, float64(events)/time.Since(begin).Seconds())
	}
	benchmarkAppends(b, out, s.DB, store)
	benchmarkReads(b, out, s.DB, store)
	p50, p99, err := bench.Latency(b.Context(), store, log, 1000)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(out, "\nanswer to reader: p50 %v p99 %v", p50, p99)
	fmt.Println(out) // the log of a benchmark is cut after ten lines
}

func BenchmarkReads(b *testing.B) {
	s := pgtest.NewServer(b)
	out := &strings.Builder{}
	benchmarkReads(b, out, s.DB, newStore(b, s.DB))
	fmt.Println(out)
}

func benchmarkAppends(b *testing.B, out *strings.Builder, db *pgtest.DB, store *postgres.Store) {
	b.Helper()
	bare, err := bench.NewBare(b.Context(), widePool(b, db, database.RoleOwner, 64))
	if err != nil {
		b.Fatal(err)
	}
	rows, err := bench.Appends(b.Context(), bare, store, 3*time.Second, 1, 8, 32, 128)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range rows {
		fmt.Fprintf(out, "\nbare  %v", r.Bare)
		fmt.Fprintf(out, "\nstore %v  = %.2fx", r.Store, r.Ratio())
	}
}

func benchmarkReads(b *testing.B, out *strings.Builder, db *pgtest.DB, store *postgres.Store) {
	b.Helper()
	rows, err := bench.Reads(b.Context(), widePool(b, db, database.RoleAppender, 8), store, 2*time.Second, 1, 8, 64)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range rows {
		fmt.Fprintf(out, "\nsingle %v", r.Single)
		fmt.Fprintf(out, "\nstore  %v  = %.2fx", r.Store, r.Ratio())
	}
}

func widePool(b *testing.B, db *pgtest.DB, role database.Role, conns int32) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(db.URL(role))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = conns
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return pool
}
