package migrations_test

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgserver"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/migrations"
)

func up(t *testing.T, url string, key []byte) error {
	t.Helper()
	_, err := migrations.Up(t.Context(), url, key, slog.New(slog.DiscardHandler))
	return err
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// list is the first column of a query's rows.
func list(t *testing.T, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	admin := pgtest.Empty(t)
	for range 2 {
		if err := up(t, admin, pgtest.MasterKey()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyProcessesMayMigrateManyDatabasesOfOneServerAtOnce(t *testing.T) {
	t.Parallel()
	one, other := pgtest.Empty(t), pgtest.Empty(t)
	var wait sync.WaitGroup
	for range 3 {
		for _, admin := range []string{one, other} {
			wait.Go(func() {
				if err := up(t, admin, pgtest.MasterKey()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
}

func TestNoRoleHasMoreRightsThanItWasGiven(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := connect(t, db.AdminURL)
	for what, sql := range map[string]string{
		"has a server-wide right": `select rolname from pg_roles where rolname like 'igny8\_%'
			and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
		"is a member of another role": `select m.rolname from pg_auth_members a join pg_roles m on m.oid = a.member
			where m.rolname like 'igny8\_%'`,
		"owns something, though not the owner": `select r.rolname || ' ' || c.relname from pg_class c join pg_roles r on r.oid = c.relowner
			where r.rolname like 'igny8\_%' and r.rolname <> 'igny8_owner'`,
		"is a table that somebody else owns": `select c.relname from pg_class c join pg_roles r on r.oid = c.relowner
			where c.relnamespace = 'public'::regnamespace and r.rolname <> 'igny8_owner'`,
		"is open to everybody": `select c.relname from pg_class c, aclexplode(c.relacl) g
			where c.relnamespace = 'public'::regnamespace and g.grantee = 0`,
		"is a function that everybody may call": `select proname from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) g
			where p.pronamespace = 'public'::regnamespace and g.grantee = 0`,
		"is a tenant's table without row-level security in force": `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
			where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'account_id' and not a.attisdropped
			and not (c.relrowsecurity and c.relforcerowsecurity)`,
	} {
		for _, found := range list(t, conn, sql) {
			t.Errorf("%s %s", found, what)
		}
	}
}

func TestNoRoleCanBecomeAnother(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, role := range postgres.Roles() {
		conn := connect(t, db.URL(role))
		for _, other := range append(postgres.Roles(), "postgres") {
			if other == role {
				continue
			}
			if _, err := conn.Exec(t.Context(), "set role "+string(other)); err == nil {
				t.Errorf("%s became %s", role, other)
			}
		}
		_, err := conn.Exec(t.Context(), "create table mine (n int)")
		if (err == nil) != (role == postgres.RoleOwner) {
			t.Errorf("%s making a table: %v", role, err)
		}
	}
}

func TestTheDatabaseIsClosedToEverybodyElse(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := connect(t, db.AdminURL)
	var connects, creates bool
	err := conn.QueryRow(t.Context(), `select exists (select from pg_database d, aclexplode(d.datacl) g where d.datname = current_database() and g.grantee = 0),
		exists (select from pg_namespace n, aclexplode(n.nspacl) g where n.nspname = 'public' and g.grantee = 0)`).Scan(&connects, &creates)
	if err != nil || connects || creates {
		t.Errorf("everybody may connect: %v, use the schema: %v (%v)", connects, creates, err)
	}
}

// The rest needs a server whose roles no other test uses.
func TestRolesOnAServerOfTheirOwn(t *testing.T) {
	t.Parallel()
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: t.TempDir(), NoDownload: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn := connect(t, s.URL())
	as := func(user, database string) string {
		u, err := url.Parse(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User, u.Path = url.UserPassword(user, "secret"), "/"+database
		return u.String()
	}
	for _, sql := range []string{
		"create role plain login password 'secret'",
		"create role maker login createrole password 'secret'",
		"create database plains owner plain",
		"create database makers owner maker",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, err error, words ...string) {
		t.Helper()
		for _, word := range words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want an error that tells %q", what, err, word)
			}
		}
	}
	first, second := []byte("the first master key"), []byte("the second master key")

	refused("a user without CREATEROLE", up(t, as("plain", "plains"), first), `ALTER ROLE "plain" CREATEROLE`)
	refused("a user that does not own the database", up(t, as("maker", "plains"), first), `OWNER TO "maker"`)
	if err := up(t, as("maker", "makers"), first); err != nil {
		t.Fatalf("a user with CREATEROLE that owns the database: %v", err)
	}
	refused("another master key", up(t, s.URL(), second), "another master key", "--replace-passwords")
	if err := up(t, as("maker", "makers"), first); err != nil {
		t.Errorf("the refusal changed something: %v", err)
	}
	if _, err := migrations.UpReplacingPasswords(t.Context(), as("maker", "makers"), second, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("replacing passwords: %v", err)
	}
	if err := up(t, as("maker", "makers"), second); err != nil {
		t.Errorf("after replacing passwords: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "alter role igny8_app bypassrls"); err != nil {
		t.Fatal(err)
	}
	refused("a role that bypasses row-level security", up(t, as("maker", "makers"), second), "igny8_app", "more, or fewer, rights")
	if _, err := conn.Exec(t.Context(), "alter role igny8_app nobypassrls; grant maker to igny8_app"); err != nil {
		t.Fatal(err)
	}
	refused("a role that is a member of another", up(t, as("maker", "makers"), second), "igny8_app", "member")
}

func TestAskingWhatIsPendingChangesNothing(t *testing.T) {
	t.Parallel()
	admin := pgtest.Empty(t)
	before, err := migrations.Pending(t.Context(), admin)
	if err != nil || len(before) == 0 {
		t.Fatalf("pending on an empty database: %v, %v", before, err)
	}
	applied, err := migrations.Up(t.Context(), admin, pgtest.MasterKey(), slog.New(slog.DiscardHandler))
	if err != nil || !slices.Equal(applied, before) {
		t.Errorf("applied %v, want %v (%v)", applied, before, err)
	}
	after, err := migrations.Pending(t.Context(), admin)
	if err != nil || len(after) != 0 {
		t.Errorf("pending after all: %v, %v", after, err)
	}
}
