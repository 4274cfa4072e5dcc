package projections_test

import (
	"context"
	"fmt"
	"log/slog"
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
)

// rig is a database with a log in memory and the library's projections.
type rig struct {
	t         *testing.T
	db        *pgtest.DB
	log       *memory.Store
	writer    *library.Writer
	admin     *projections.Admin
	books     *table.Table[library.Book]
	positions *projections.Positions
	reader    *projections.Reader
}

// breaking is the library's fold, but it panics on the poison.
func breaking(row *library.Book, e es.Event) {
	if c, ok := e.(library.Changed); ok && c.Title == library.Poison {
		panic("poison")
	}
	library.Evolve(row, e)
}

func newRig(t *testing.T, evolve func(*library.Book, es.Event)) *rig {
	t.Helper()
	r := &rig{t: t, db: pgtest.New(t), log: memory.New(), positions: projections.NewPositions()}
	r.writer = &library.Writer{Store: r.log, Now: time.Date(2026, 1, 2, 3, 4, 5, 678900, time.UTC)}
	r.books = library.Table("library_books", 1, evolve)
	r.admin = &projections.Admin{
		Owner: r.db.Postgres.Pool(postgres.RoleOwner), Projector: r.db.Postgres.Pool(postgres.RoleProjector),
		Log: r.log, Registry: library.Registry(), Projections: []projections.Projection{r.books, library.Counts()},
	}
	r.reader = projections.NewReader(r.db.Postgres.Pool(postgres.RoleApp), r.positions)
	return r
}

func (r *rig) ensure() {
	r.t.Helper()
	if err := r.admin.Ensure(r.t.Context(), nil); err != nil {
		r.t.Fatal(err)
	}
}

// run feeds the projections until the returned function is called.
func (r *rig) run() (stop func()) {
	r.t.Helper()
	return r.start(r.runner(r.positions))
}

func (r *rig) runner(positions *projections.Positions) *projections.Runner {
	return projections.NewRunner(projections.Config{
		Pool: r.admin.Projector, Log: r.log, Registry: r.admin.Registry, Projections: r.admin.Projections, Positions: positions,
		Logger: slog.New(slog.NewTextHandler(r.t.Output(), nil)),
	})
}

func (r *rig) start(runner *projections.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = runner.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	r.t.Cleanup(stop)
	return stop
}

// settle waits until all that was written is shown.
func (r *rig) settle() {
	r.t.Helper()
	head, err := r.log.Head(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	keys := make([]projections.Key, len(r.admin.Projections))
	for i, p := range r.admin.Projections {
		keys[i] = p.Key()
	}
	for range 4 {
		if err = r.reader.WaitFor(r.t.Context(), keys, head); err == nil {
			return
		}
	}
	r.t.Fatalf("projections do not reach %d: %v", head, err)
}

func (r *rig) write(tenant es.Tenant, book es.ID, after int64, events ...es.Event) es.Appended {
	r.t.Helper()
	done, err := r.writer.Write(r.t.Context(), tenant, book, after, events...)
	if err != nil {
		r.t.Fatal(err)
	}
	return done
}

// same fails unless a rebuild gives the live rows.
func (r *rig) same() {
	r.t.Helper()
	differences, err := r.admin.Compare(r.t.Context(), nil, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, d := range differences {
		r.t.Errorf("only %s has in %s: %s", d.Side, d.Table, d.Row)
	}
}

func added(title string) es.Event   { return library.Added{Facts: library.Facts{Title: title}} }
func changed(title string) es.Event { return library.Changed{Facts: library.Facts{Title: title}} }

func (r *rig) list(account es.ID, atLeast int64) (table.Page[library.Book], error) {
	scope := table.Scope{Account: account, AllSites: true}
	return r.books.List(r.t.Context(), r.reader, scope, table.Query{AtLeast: atLeast, Wait: projections.MaxWait, PageSize: 100})
}

// counted fails unless every event of each account was counted exactly once.
func (r *rig) counted() {
	r.t.Helper()
	page, err := r.log.Read(r.t.Context(), 0, es.Filter{}, 1_000_000)
	if err != nil {
		r.t.Fatal(err)
	}
	want := map[es.ID]int64{}
	for _, e := range page.Events {
		want[e.Stream.Account]++
	}
	rows, err := r.admin.Projector.Query(r.t.Context(), `SELECT account_id, events FROM library_counts_v1`)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var account es.ID
		var events int64
		if err := rows.Scan(&account, &events); err != nil {
			r.t.Fatal(err)
		}
		if want[account] != events {
			r.t.Errorf("account %s: %d events counted, %d written", account, events, want[account])
		}
		delete(want, account)
	}
	if len(want) > 0 || rows.Err() != nil {
		r.t.Errorf("%d accounts without counts, %v", len(want), rows.Err())
	}
}

// execute runs a statement as the superuser.
func (r *rig) execute(sql string, args ...any) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.db.AdminURL)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(r.t.Context())) }()
	if _, err := conn.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// load appends to many books of a few accounts, step by step.
func (r *rig) load(steps int, each func(step int)) {
	r.t.Helper()
	accounts := []es.ID{r.writer.ID(), r.writer.ID(), r.writer.ID()}
	books := make([]es.ID, 40)
	revisions := make([]int64, len(books))
	for i := range books {
		books[i] = r.writer.ID()
	}
	for step := range steps {
		i := (step * 7) % len(books)
		event := changed(fmt.Sprintf("edition %d", step))
		if revisions[i] == 0 {
			event = added("first")
		}
		revisions[i] = r.write(es.Tenant{Account: accounts[i%3]}, books[i], revisions[i], event).Revision
		each(step)
	}
}
