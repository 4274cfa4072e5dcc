package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func TestNobodyWritesButThroughTheStoresFunctions(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, role := range database.Roles() {
		if role == database.RoleOwner {
			continue
		}
		for _, sql := range []string{
			"INSERT INTO event_head (pos, recorded_at) VALUES (1, now())", "UPDATE event_head SET pos = 0",
			"UPDATE event_log SET data = NULL", "DELETE FROM event_log", "TRUNCATE event_log",
			"INSERT INTO event_log SELECT * FROM event_log", "DELETE FROM unique_claims", "UPDATE counted_claims SET used = 0",
		} {
			wantDenied(t, db, role, sql)
		}
		if role != database.RoleAppender {
			wantDenied(t, db, role, "SELECT purge_stream(gen_random_uuid(), '', gen_random_uuid(), 1)")
			wantDenied(t, db, role, "SELECT append_events"+noArguments)
		}
	}
}

const noArguments = `('{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}',
	'{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}')`

func TestClaimsAndEventsAreReadByThoseWhoNeedThem(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	readers := map[string][]database.Role{
		"event_log":      {database.RoleApp, database.RoleAppender, database.RoleProjector, database.RolePlatform},
		"unique_claims":  {database.RoleAppender, database.RoleLogin, database.RolePlatform},
		"counted_claims": {database.RoleApp, database.RoleAppender, database.RolePlatform},
	}
	for table, roles := range readers {
		for _, role := range database.Roles() {
			if role == database.RoleOwner {
				continue
			}
			sql := "SELECT count(*) FROM " + table
			if !slices.Contains(roles, role) {
				wantDenied(t, db, role, sql)
			} else if _, err := db.Postgres.Pool(role).Exec(t.Context(), sql); err != nil {
				t.Errorf("%s: %s: %v", role, sql, err)
			}
		}
	}
}

func wantDenied(t *testing.T, db *pgtest.DB, role database.Role, sql string) {
	t.Helper()
	_, err := db.Postgres.Pool(role).Exec(t.Context(), sql)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" {
		t.Errorf("%s: %s: %v, want permission denied", role, sql, err)
	}
}

func TestRowLevelSecurityIsForcedOnEveryTableOfTenants(t *testing.T) {
	t.Parallel()
	var open []string
	err := pgtest.New(t).Postgres.Pool(database.RoleOwner).QueryRow(t.Context(), `
		SELECT coalesce(array_agg(relname::text), '{}') FROM pg_class
		WHERE relname IN ('event_log', 'unique_claims', 'counted_claims') AND NOT (relrowsecurity AND relforcerowsecurity)`).Scan(&open)
	if err != nil || len(open) > 0 {
		t.Errorf("not forced on %v (%v)", open, err)
	}
}

func TestTheApplicationSeesTheEventsOfItsAccountOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := newStore(t, db)
	mine, other := newAppend(3), newAppend(2)
	mine.Claims = []es.ClaimChange{{Op: es.CountClaim, Scope: "mine", Delta: 1, Limit: 1}}
	for _, r := range store.AppendMany(t.Context(), []es.Append{mine, other}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	app := db.Postgres.Pool(database.RoleApp)
	for account, want := range map[uuid.UUID]int{mine.Stream.Account: 3, other.Stream.Account: 2, uuid.New(): 0} {
		var n int
		row := app.QueryRow(t.Context(), "SELECT count(*) FROM event_log, set_config('app.account_id', '', false)")
		if err := row.Scan(&n); err != nil || n != 0 {
			t.Errorf("without an account it sees %d events (%v)", n, err)
		}
		n, err := database.QueryOneInAccount(t.Context(), app, account, scanInt, "SELECT count(*)::int FROM event_log")
		if err != nil || n != want {
			t.Errorf("in an account it sees %d events (%v), want %d", n, err, want)
		}
	}
}

func TestAFeedReadsOneAccount(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := newStore(t, db)
	feed := postgres.NewFeed(db.Postgres.Pool(database.RoleApp))
	mine := newAppend(3)
	if _, err := store.Append(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	last, err := store.Append(t.Context(), newAppend(2))
	if err != nil {
		t.Fatal(err)
	}
	page, err := feed.Read(t.Context(), 1, es.Filter{Account: mine.Stream.Account, Types: []string{"planner.*"}}, 10)
	if err != nil || len(page.Events) != 2 || page.Through != last.Position {
		t.Errorf("got %d events through %d (%v), want 2 through %d", len(page.Events), page.Through, err, last.Position)
	}
	if _, err := feed.Read(t.Context(), 0, es.Filter{Types: []string{"*"}}, 10); err == nil {
		t.Error("a feed without an account was read")
	}
}

func TestAFilterIsReadFromItsIndexWhateverElseTheLogHolds(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := newStore(t, db)
	var appends []es.Append
	for range 2000 {
		appends = append(appends, newAppend(1))
	}
	mine := eventstoretest.AppendOf(appends[0].Stream, 1, 1)
	store.AppendMany(t.Context(), append(appends, mine))
	admin(t, db, "ANALYZE event_log")
	plan, err := database.QueryInAccount(t.Context(), db.Postgres.Pool(database.RoleApp), mine.Stream.Account, scanText,
		"EXPLAIN SELECT * FROM event_log WHERE pos > 0 AND account_id = '"+mine.Stream.Account.String()+"' ORDER BY pos LIMIT 100")
	if err != nil || !slices.ContainsFunc(plan, usesAccountIndex) {
		t.Errorf("the plan is %v (%v)", plan, err)
	}
}

func usesAccountIndex(line string) bool { return strings.Contains(line, "event_log_account") }

func scanInt(row pgx.CollectableRow) (n int, err error) { return n, row.Scan(&n) }

func scanText(row pgx.CollectableRow) (s string, err error) { return s, row.Scan(&s) }
