package postgres_test

import (
	"fmt"
	"context"
	"sync/atomic"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/postgres"
)

var dbs atomic.Int64

func newDB(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), dbs.Add(1))
	c, err := pgx.Connect(context.Background(), "postgres://postgres@127.0.0.1:5544/postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(context.Background(), "create database "+name+" template es"); err != nil {
		t.Fatal(err)
	}
	return name
}

func pool(t testing.TB, db, role string, max int32) *pgxpool.Pool {
	cfg, err := pgxpool.ParseConfig(fmt.Sprintf("postgres://igny8_%s@127.0.0.1:5544/%s?pool_max_conns=%d", role, db, max))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestConformance(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	s := postgres.NewStore(pool(t, db, "appender", 4))
	t.Cleanup(s.Close)
	l := postgres.NewLog(pool(t, db, "projector", 4))
	t.Cleanup(l.Close)
	c := postgres.NewClaims(pool(t, db, "login", 2))
	eventstoretest.Run(t, func(t *testing.T) eventstoretest.Fixture {
		return eventstoretest.Fixture{Store: s, Log: l, Holder: c.ClaimHolder}
	})
}
