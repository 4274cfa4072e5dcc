package table_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func accountsOf(rows []library.Book) map[es.ID]int {
	all := map[es.ID]int{}
	for _, row := range rows {
		all[row.AccountID]++
	}
	return all
}

func TestRowLevelSecurityAloneHoldsTheAccount(t *testing.T) {
	t.Parallel()
	s := fill(t, 60)
	q := table.Query{PageSize: 100, Deleted: table.WithDeleted}
	for _, account := range s.accounts {
		scope := table.Scope{Account: account, AllSites: true}
		page, err := s.books.List(t.Context(), s.reader, table.WithoutAccountFilter(scope), q)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "without the filter", page.Rows, s.rows.list(scope, q))
	}
	page, err := s.books.List(t.Context(), s.reader, table.WithoutAccountFilter(table.Scope{AllSites: true}), q)
	if err != nil || len(page.Rows) > 0 {
		t.Errorf("for no account: %d rows, %v", len(page.Rows), err)
	}
}

func TestTheFilterAloneHoldsTheAccount(t *testing.T) {
	t.Parallel()
	s := fill(t, 60)
	config, err := pgxpool.ParseConfig(s.db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	admin, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	unheld := projections.NewReader(admin, nil)
	q := table.Query{PageSize: 100, Deleted: table.WithDeleted}
	scope := table.Scope{Account: s.accounts[0], AllSites: true}
	page, err := s.books.List(t.Context(), unheld, table.WithoutAccountFilter(scope), q)
	if err != nil || len(accountsOf(page.Rows)) != 2 {
		t.Fatalf("the test is void unless a superuser sees both accounts: %v, %v", accountsOf(page.Rows), err)
	}
	page, err = s.books.List(t.Context(), unheld, scope, q)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "without row-level security", page.Rows, s.rows.list(scope, q))
}

func TestRolesMayDoNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	s := fill(t, 10)
	for role, allowed := range map[postgres.Role]string{
		postgres.RoleApp: "SELECT", postgres.RoleProjector: "SELECT INSERT UPDATE DELETE",
		postgres.RoleAppender: "", postgres.RoleLogin: "", postgres.RolePlatform: "",
	} {
		for _, right := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} {
			var has bool
			err := s.db.Postgres.Pool(postgres.RoleOwner).QueryRow(t.Context(),
				`SELECT has_table_privilege($1, 'library_books_v1', $2)`, string(role), right).Scan(&has)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Contains(allowed, right); has != want {
				t.Errorf("%s may %s: %t, want %t", role, right, has, want)
			}
		}
	}
	var forced bool
	err := s.db.Postgres.Pool(postgres.RoleOwner).QueryRow(t.Context(),
		`SELECT relrowsecurity AND relforcerowsecurity AND relowner = 'igny8_owner'::regrole FROM pg_class WHERE relname = 'library_books_v1'`).Scan(&forced)
	if err != nil || !forced {
		t.Errorf("row-level security is not forced on the owner's table: %v", err)
	}
}

func TestAListGoesByTheAccountsIndex(t *testing.T) {
	t.Parallel()
	s := &shelf{db: pgtest.New(t), books: library.Table("library_books", 1, library.Evolve)}
	store := memory.New()
	w := &library.Writer{Store: store, Now: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	for range 20 {
		s.accounts = append(s.accounts, w.ID())
	}
	if err := w.Fill(t.Context(), s.accounts, 20_000, 0); err != nil {
		t.Fatal(err)
	}
	s.build(t, store)
	scope := table.Scope{Account: s.accounts[3], AllSites: true}
	for order, index := range map[string]string{"": "library_books_v1_pkey", "title": "library_books_v1_title", "-pages": "library_books_v1_pages"} {
		q := table.Query{Order: []string{order}}
		plan := s.explain(t, scope, q)
		if !strings.Contains(plan, "using "+index) && !strings.Contains(plan, "Backward using "+index) {
			t.Errorf("order %q does not use %s:\n%s", order, index, plan)
		}
		if strings.Contains(plan, "Seq Scan on library_books") {
			t.Errorf("order %q reads the whole table:\n%s", order, plan)
		}
	}
}

// explain is the plan that the application's role gets.
func (s *shelf) explain(t *testing.T, scope table.Scope, q table.Query) string {
	t.Helper()
	sql, args, err := s.books.ListStatement(scope, q)
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	err = postgres.InAccount(t.Context(), s.db.Postgres.Pool(postgres.RoleApp), scope.Account, func(tx pgx.Tx) error {
		rows, err := tx.Query(context.WithoutCancel(t.Context()), "EXPLAIN "+sql, args...)
		if err != nil {
			return err
		}
		plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
