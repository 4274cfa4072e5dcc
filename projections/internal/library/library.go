// Package library is a small made-up domain for the tests and measurements of
// the read side: books, with every sort of column, and counts of them.
package library

import (
	"context"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
	"github.com/jackc/pgx/v5"
)

// Facts is what a book's events tell, all of it each time.
type Facts struct {
	Title string            `json:"title"`
	Owner es.Personal       `json:"owner"`
	Shelf *es.ID            `json:"shelf,omitempty"`
	Pages *int64            `json:"pages,omitempty"`
	Price *float64          `json:"price,omitempty"`
	Lent  bool              `json:"lent,omitempty"`
	Due   *time.Time        `json:"due,omitempty"`
	Tags  []string          `json:"tags,omitempty"`
	Notes map[string]string `json:"notes,omitempty"`
}

// Added says a book came in.
type Added struct{ Facts }

// EventType is the stored name.
func (Added) EventType() string { return "library.book.added.v1" }

// Changed says what a book is now. One with the title Poison breaks the fold.
type Changed struct{ Facts }

// EventType is the stored name.
func (Changed) EventType() string { return "library.book.changed.v1" }

// Poison is the title that breaks the fold of BooksThatBreak.
const Poison = "poison"

type state struct{ es.Entity }

// Books is the kind of the aggregate.
var Books = es.Kind[state]{
	Name: "library.book", Evolve: func(*state, es.Event) {},
	Events: es.Events(Added{}, Changed{}).WithLifecycle(),
}

// Registry knows the books' events.
func Registry() *es.Registry { return es.NewRegistry(Books) }

// Book is a row, with every sort of column.
type Book struct {
	table.Base
	Title string            `db:"title" json:"title" filter:"eq,in" sort:"true" search:"true"`
	Owner es.Personal       `db:"owner" json:"owner"`
	Shelf *es.ID            `db:"shelf" json:"shelf" filter:"eq,in,isnull"`
	Pages *int64            `db:"pages" json:"pages" filter:"eq,in,gte,lte,isnull" sort:"true"`
	Price *float64          `db:"price" json:"price" filter:"gte,lte" sort:"scan"`
	Lent  bool              `db:"lent" json:"lent" filter:"eq" sort:"scan"`
	Due   *time.Time        `db:"due" json:"due" filter:"gte,lte,isnull" sort:"scan"`
	Tags  []string          `db:"tags" json:"tags" filter:"eq"`
	Notes map[string]string `db:"notes" json:"notes"`
	Blurb string            `db:"blurb" json:"blurb" search:"true"`
	Shown *string           `db:"-" json:"shown"`
}

// Evolve folds the books' own events.
func Evolve(row *Book, e es.Event) {
	switch e := e.(type) {
	case Added:
		row.set(e.Facts)
	case Changed:
		row.set(e.Facts)
	}
}

func (b *Book) set(f Facts) {
	b.Title, b.Owner, b.Shelf, b.Pages, b.Price = f.Title, f.Owner, f.Shelf, f.Pages, f.Price
	b.Lent, b.Due, b.Tags, b.Notes = f.Lent, f.Due, f.Tags, f.Notes
	b.Blurb = strings.Join(f.Tags, " ")
}

// Table is the declared table under a name of its own, whose fold calls evolve.
func Table(name string, version int, evolve func(*Book, es.Event)) *table.Table[Book] {
	return table.New(table.Spec[Book]{Name: name, Version: version, Kind: Books, Evolve: evolve})
}

// Counts counts the live books of each account and shelf-less ones, in plain
// SQL, from envelopes alone.
func Counts() projections.SQL {
	return projections.SQL{
		Name: "library_counts", Version: 1, Types: []string{"library.book.*"},
		DDL:  `CREATE TABLE library_counts_v1 (account_id uuid PRIMARY KEY, books bigint NOT NULL, events bigint NOT NULL)`,
		Func: count,
	}
}

func count(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	type sums struct{ books, events int64 }
	counts := map[es.ID]*sums{}
	for _, e := range events {
		c := counts[e.Stream.Account]
		if c == nil {
			c = &sums{}
			counts[e.Stream.Account] = c
		}
		c.events++
		switch e.Type {
		case "library.book.added.v1", "library.book.restored.v1":
			c.books++
		case "library.book.deleted.v1":
			c.books--
		}
	}
	batch := &pgx.Batch{}
	for account, c := range counts {
		batch.Queue(`INSERT INTO library_counts_v1 VALUES ($1, $2, $3) ON CONFLICT (account_id) DO UPDATE
			SET books = library_counts_v1.books + excluded.books, events = library_counts_v1.events + excluded.events`, account, c.books, c.events)
	}
	return tx.SendBatch(ctx, batch).Close()
}
