package postgres_test

import (
	"testing"

	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func TestPostgresIsAnEventStore(t *testing.T) {
	t.Parallel()
	f := fixture(t, pgtest.New(t))
	eventstoretest.Run(t, func(*testing.T) eventstoretest.Fixture { return f })
}

// fixture is both ports on a test's database, over the pools of their roles.
func fixture(t *testing.T, db *pgtest.DB) eventstoretest.Fixture {
	t.Helper()
	return eventstoretest.Fixture{
		Store: newStore(t, db), Log: newLog(t, db),
		Holder: postgres.NewClaims(db.Postgres.Pool(database.RoleLogin)).ClaimHolder,
	}
}

func newStore(tb testing.TB, db *pgtest.DB, options ...postgres.Option) *postgres.Store {
	tb.Helper()
	s := postgres.NewStore(db.Postgres.Pool(database.RoleAppender), options...)
	tb.Cleanup(s.Close)
	return s
}

func newLog(tb testing.TB, db *pgtest.DB) *postgres.Log {
	tb.Helper()
	l := postgres.NewLog(db.Postgres.Pool(database.RoleProjector))
	tb.Cleanup(l.Close)
	return l
}
