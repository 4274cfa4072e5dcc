package postgres_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// withNotes is a database with a tenant table in it, and its two tenants.
func withNotes(t testing.TB) (db *pgtest.DB, a, b uuid.UUID) {
	t.Helper()
	db, a, b = pgtest.New(t), uuid.New(), uuid.New()
	_, err := db.Postgres.Pool(postgres.RoleOwner).Exec(t.Context(), `
		create table notes (account_id uuid not null, id int not null, primary key (account_id, id));
		insert into notes select '`+a.String()+`', n from generate_series(1, 30) n;
		insert into notes values ('`+b.String()+`', 1);
		alter table notes enable row level security, force row level security;
		create policy account on notes to igny8_app
			using (account_id = (select nullif(current_setting('app.account_id', true), '')::uuid));
		grant select, insert on notes to igny8_app`)
	if err != nil {
		t.Fatal(err)
	}
	return db, a, b
}

func countNotes(t testing.TB, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) int {
	t.Helper()
	var n int
	if err := q.QueryRow(t.Context(), "select count(*) from notes").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachRoleHasAPoolOfItsOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, role := range postgres.Roles() {
		var session, user, statement string
		err := db.Postgres.Pool(role).QueryRow(t.Context(),
			"select session_user, current_user, current_setting('statement_timeout')").Scan(&session, &user, &statement)
		if err != nil || session != string(role) || user != string(role) {
			t.Errorf("pool of %s is %s, %s (%v)", role, session, user, err)
		}
	}
}

func TestTheApplicationSeesNothingWithoutAnAccount(t *testing.T) {
	t.Parallel()
	db, a, b := withNotes(t)
	app := db.Postgres.Pool(postgres.RoleApp)
	if n := countNotes(t, app); n != 0 {
		t.Errorf("%d notes without an account, want 0", n)
	}
	for account, want := range map[uuid.UUID]int{a: 30, b: 1, uuid.New(): 0} {
		rows, err := postgres.QueryInAccount(t.Context(), app, account, pgx.RowTo[uuid.UUID], "select account_id from notes")
		if err != nil || len(rows) != want || slices.ContainsFunc(rows, func(id uuid.UUID) bool { return id != account }) {
			t.Errorf("%d notes in the account, want %d of its own (%v)", len(rows), want, err)
		}
		err = postgres.InAccount(t.Context(), app, account, func(tx pgx.Tx) error {
			if n := countNotes(t, tx); n != want {
				t.Errorf("%d notes in the account's transaction, want %d", n, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	for range 20 {
		if n := countNotes(t, app); n != 0 {
			t.Fatalf("%d notes after others' reads, want 0: a connection kept its account", n)
		}
	}
}

func TestATransactionWritesOnlyIntoItsAccount(t *testing.T) {
	t.Parallel()
	db, a, b := withNotes(t)
	app := db.Postgres.Pool(postgres.RoleApp)
	insert := func(into uuid.UUID) error {
		return postgres.InAccount(t.Context(), app, a, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into notes values ($1, 100)", into)
			return err
		})
	}
	if err := insert(b); err == nil {
		t.Error("wrote into another account")
	}
	if err := insert(a); err != nil {
		t.Error(err)
	}
	constraint, is := postgres.IsUniqueViolation(insert(a))
	if !is || constraint != "notes_pkey" {
		t.Errorf("a second insert gave constraint %q, want notes_pkey", constraint)
	}
}

func TestOneRowReadsTellAMissingRow(t *testing.T) {
	t.Parallel()
	db, a, b := withNotes(t)
	app := db.Postgres.Pool(postgres.RoleApp)
	const sql = "select id from notes where id = $1"
	if id, err := postgres.QueryOneInAccount(t.Context(), app, a, pgx.RowTo[int], sql, 7); err != nil || id != 7 {
		t.Errorf("got %d, %v", id, err)
	}
	if _, err := postgres.QueryOneInAccount(t.Context(), app, b, pgx.RowTo[int], sql, 7); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("got %v, want ErrNoRows", err)
	}
	if _, err := postgres.QueryInAccount(t.Context(), app, a, pgx.RowTo[int], "select nonsense"); err == nil {
		t.Error("a broken query gave no error")
	}
}

func TestUUIDsTravelInBinary(t *testing.T) {
	db := pgtest.New(t)
	conn, err := db.Postgres.Pool(postgres.RoleApp).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	id := uuid.New()
	m := conn.Conn().TypeMap()
	theirs := pgtype.NewMap()
	for _, value := range []any{id, []uuid.UUID{id}} {
		oid := uint32(pgtype.UUIDOID)
		if _, many := value.([]uuid.UUID); many {
			oid = pgtype.UUIDArrayOID
		}
		ours, err := m.Encode(oid, pgtype.BinaryFormatCode, value, nil)
		want, wantErr := theirs.Encode(oid, pgtype.BinaryFormatCode, value, nil)
		if err != nil || wantErr != nil || !slices.Equal(ours, want) {
			t.Errorf("%T encodes as %x, want %x (%v, %v)", value, ours, want, err, wantErr)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { _ = m.Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, id[:], &uuid.UUID{}) }); allocs > 1 {
		t.Errorf("reading a uuid.UUID allocates %v times: it goes through text", allocs)
	}
	var one uuid.UUID
	var none *uuid.UUID
	var many []uuid.UUID
	err = conn.QueryRow(t.Context(), "select $1::uuid, null::uuid, $2::uuid[]", id, []uuid.UUID{id, {}, id}).Scan(&one, &none, &many)
	if err != nil || one != id || none != nil || !slices.Equal(many, []uuid.UUID{id, {}, id}) {
		t.Errorf("got %v, %v, %v (%v)", one, none, many, err)
	}
	if err := conn.QueryRow(t.Context(), "select null::uuid").Scan(&one); err == nil {
		t.Error("NULL was read into a uuid.UUID")
	}
	var p *uuid.UUID
	if err := conn.QueryRow(t.Context(), "select $1::uuid", &id).Scan(&p); err != nil || *p != id {
		t.Errorf("got %v (%v)", p, err)
	}
}

func TestALockHasOneHolderUntilItIsReleased(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool := db.Postgres.Pool(postgres.RoleProjector)
	first, err := postgres.Lock(t.Context(), pool, "relay")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.TryLock(t.Context(), pool, "relay"); !errors.Is(err, postgres.ErrHeld) {
		t.Errorf("got %v, want ErrHeld", err)
	}
	other, err := postgres.TryLock(t.Context(), pool, "another")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()

	got := make(chan *postgres.Held, 1)
	go func() {
		second, err := postgres.Lock(t.Context(), pool, "relay")
		if err != nil {
			t.Error(err)
		}
		got <- second
	}()
	waiting(t, db)
	first.Release()
	first.Release()
	(<-got).Release()
}

func TestALostConnectionLosesTheLockAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	held, err := postgres.Lock(t.Context(), db.Postgres.Pool(postgres.RoleProjector), "relay")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	select {
	case <-held.Lost():
		t.Fatal("lost before anything happened")
	default:
	}
	admin := adminPool(t, db)
	began := time.Now()
	if _, err := admin.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held.Lost():
		t.Logf("after %v", time.Since(began))
	case <-time.After(4 * time.Second):
		t.Error("the loss was not told")
	}
}

// waiting returns once somebody waits for an advisory lock.
func waiting(t *testing.T, db *pgtest.DB) {
	t.Helper()
	admin := adminPool(t, db)
	for waits := false; !waits; {
		err := admin.QueryRow(t.Context(), `select exists (select from pg_locks l join pg_database d on d.oid = l.database
			where l.locktype = 'advisory' and not l.granted and d.datname = current_database())`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func adminPool(t *testing.T, db *pgtest.DB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestUnavailabilityIsToldFromMistakes(t *testing.T) {
	t.Parallel()
	db := pgtest.NewServer(t)
	app := db.Postgres.Pool(postgres.RoleApp)
	if _, err := app.Exec(t.Context(), "select nonsense"); postgres.IsUnavailable(err) {
		t.Errorf("a mistake counts as unavailability: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := app.Exec(cancelled, "select 1"); postgres.IsUnavailable(err) {
		t.Errorf("a cancelled call counts as unavailability: %v", err)
	}
	asleep := make(chan error, 1)
	go func() {
		_, err := app.Exec(t.Context(), "select pg_sleep(60)")
		asleep <- err
	}()
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	for sleeping := false; !sleeping; {
		err := admin.QueryRow(t.Context(), "select exists (select from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active' and usename = 'igny8_app')").Scan(&sleeping)
		if err != nil {
			t.Fatal(err)
		}
	}
	db.Kill9()
	if err := <-asleep; !postgres.IsUnavailable(err) {
		t.Errorf("the end of the server in a statement is no unavailability: %v", err)
	}
	if _, err := admin.Exec(t.Context(), "select 1"); !postgres.IsUnavailable(err) {
		t.Errorf("a dead connection is no unavailability: %v", err)
	}
	db.Back()
	if _, err := app.Exec(t.Context(), "select 1"); err != nil {
		t.Errorf("the pool did not find the server again: %v", err)
	}

	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "postgres://nobody@" + l.Addr().String() + "/igny8"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	nowhere, err := postgres.Open(t.Context(), postgres.Options{URL: address, MasterKey: pgtest.MasterKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	if err := nowhere.Ping(t.Context()); !postgres.IsUnavailable(err) {
		t.Errorf("a refused connection is no unavailability: %v", err)
	}
}

func TestOpenRefusesAnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mysql://x@y/z", "host=/tmp user=x", "postgres://u:p@h:port/db"} {
		if _, err := postgres.Open(t.Context(), postgres.Options{URL: url, MasterKey: pgtest.MasterKey()}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}

// BenchmarkRead compares a page of 25 rows read plainly by a role that
// row-level security does not hold, in one batch, and in a transaction.
func BenchmarkRead(b *testing.B) {
	db, account, _ := withNotes(b)
	admin, err := pgxpool.New(b.Context(), db.AdminURL)
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close()
	app := db.Postgres.Pool(postgres.RoleApp)
	const sql = "select id from notes where account_id = $1 order by id limit 25"
	check := func(b *testing.B, ids []int, err error) {
		b.Helper()
		if err != nil || len(ids) != 25 {
			b.Fatal(len(ids), err)
		}
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			rows, err := admin.Query(b.Context(), sql, account)
			if err != nil {
				b.Fatal(err)
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[int])
			check(b, ids, err)
		}
	})
	b.Run("one batch", func(b *testing.B) {
		for b.Loop() {
			ids, err := postgres.QueryInAccount(b.Context(), app, account, pgx.RowTo[int], sql, account)
			check(b, ids, err)
		}
	})
	b.Run("transaction", func(b *testing.B) {
		for b.Loop() {
			var ids []int
			err := postgres.InAccount(b.Context(), app, account, func(tx pgx.Tx) error {
				rows, err := tx.Query(b.Context(), sql, account)
				if err != nil {
					return err
				}
				ids, err = pgx.CollectRows(rows, pgx.RowTo[int])
				return err
			})
			check(b, ids, err)
		}
	})
}
