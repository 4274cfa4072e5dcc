// Package table makes a read model from a row struct: its columns are the
// Postgres table, its json tags the API's answer, and its Evolve the fold that
// fills it. A Table is also what lists and details are read from, with filters,
// search, ordering and pages, always within one account.
package table

import (
	"context"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// Base is embedded first by every row struct: the columns that the kernel keeps
// from the envelope and the life-cycle events. An Evolve never touches them.
type Base struct {
	ID        es.ID     `db:"id" json:"id" filter:"eq,in"`
	AccountID es.ID     `db:"account_id" json:"account_id"`
	SiteID    *es.ID    `db:"site_id" json:"site_id,omitempty" filter:"eq,in"`
	SectorID  *es.ID    `db:"sector_id" json:"sector_id,omitempty" filter:"eq,in"`
	Revision  int64     `db:"revision" json:"revision"`
	CreatedAt time.Time `db:"created_at" json:"created_at" filter:"gte,lte" sort:"true"`
	UpdatedAt time.Time `db:"updated_at" json:"updated_at" filter:"gte,lte" sort:"true"`

	// The rest is set while the row is soft-deleted.
	DeletedAt    *time.Time `db:"deleted_at" json:"deleted_at,omitempty"`
	DeletedBy    *string    `db:"deleted_by" json:"deleted_by,omitempty"`
	DeleteReason *string    `db:"delete_reason" json:"delete_reason,omitempty"`
	PurgeAfter   *time.Time `db:"purge_after" json:"purge_after,omitempty"`
	DeletionID   *es.ID     `db:"deletion_id" json:"deletion_id,omitempty"`

	// Position is that of the last event that the row reflects. With Revision
	// it makes the row's ETag, "<revision>.<position>".
	Position int64 `db:"position" json:"-"`
}

// Spec declares a table. R is a struct that embeds Base first and whose fields
// are columns:
//
//	Volume *int64 `db:"volume" json:"volume" filter:"eq,in,gte,lte,isnull" sort:"true"`
//	Text   string `db:"keyword" json:"keyword" filter:"eq" sort:"true" search:"true"`
//
// A pointer is a nullable column. Strings, booleans, integers, floats, es.ID,
// time.Time and es.Personal have types of their own; anything else is jsonb. A
// field with db:"-" is no column: it is null in every answer of the table.
// filter lists the operations that clients may use, sort and search say "true".
// A []string column with filter:"eq" matches rows whose list holds the value.
type Spec[R any] struct {
	// Name is the table's name without its version: "planner_keywords".
	Name string
	// Version counts the shapes of the table from 1. Whoever changes the
	// struct or the meaning of Evolve raises it; a new version is built beside
	// the old one.
	Version int
	// Kind is the aggregate whose streams are the rows.
	Kind es.AnyKind
	// Evolve folds one of the kind's own events into the row. It must take
	// every event that was ever written, replaces slices and pointers instead
	// of changing what they point to, and never sees life-cycle events, nor
	// purged ones.
	Evolve func(*R, es.Event)
	// SiteColumn is the column that a Scope's sites are compared with; empty
	// means "site_id". The table of the sites themselves says "id". Rows where
	// it is null belong to the account as a whole and are not hidden.
	SiteColumn string
}

// Table is a declared read model; it is a projections.Projection. It holds no
// connection and is safe for concurrent use.
type Table[R any] struct {
	spec      Spec[R]
	name      string // with the version
	columns   []column
	times     []int // the columns that are times
	upserting string
}

// New makes a table of its declaration. It panics on a mistake in the struct:
// no Base, a tag that does not parse, an unknown filter, a column twice.
func New[R any](spec Spec[R]) *Table[R] {
	if spec.SiteColumn == "" {
		spec.SiteColumn = "site_id"
	}
	t := &Table[R]{spec: spec, columns: columnsOf[R](spec.Name)}
	t.name = t.Key().Table()
	if !isName(spec.Name) || spec.Version < 1 || spec.Kind == nil || t.find(spec.SiteColumn) == nil {
		panic("table " + t.name + ": needs a name, a version from 1, a kind and a site column")
	}
	for i, c := range t.columns {
		if c.Type == Time {
			t.times = append(t.times, i)
		}
	}
	t.upserting = t.upsertStatement()
	return t
}

// Scope is whose rows a read may see. Row-level security holds it to the
// account as well.
type Scope struct {
	Account es.ID
	// AllSites shows every site of the account; otherwise only rows of Sites,
	// and those that belong to no site.
	AllSites bool
	Sites    []es.ID

	skipAccount bool // for tests of row-level security
}

// Op is a filter's operation.
type Op string

// The operations. The first is written field=, the others field__<op>=.
const (
	Eq     Op = "eq"
	In     Op = "in" // comma-separated
	Gte    Op = "gte"
	Lte    Op = "lte"
	IsNull Op = "isnull" // true or false
)

// Filter is one condition; those of a query are ANDed. Values are texts as
// clients write them: one for every operation but In.
type Filter struct {
	Field  string
	Op     Op
	Values []string
}

// Deleted says what a read does with soft-deleted rows.
type Deleted int

// What to do with deleted rows.
const (
	HideDeleted Deleted = iota
	OnlyDeleted
	WithDeleted
)

// Query is what a list or a detail asks for. The zero value is the first ten
// rows, newest first, as they are.
type Query struct {
	Filters []Filter
	// Search is split on spaces, quotes keep phrases; rows hold every term in
	// one of the searchable columns, whatever the case.
	Search string
	// Order names columns, each with "-" before it for descending. Names that
	// are no sortable columns are dropped; the id always breaks ties.
	Order   []string
	Deleted Deleted

	// Page counts from 1; 0 is 1. PageSize is 10 when 0, and at most 100.
	Page, PageSize int
	// Keyset pages by cursor instead, without a count; no Cursor is the start.
	Keyset bool
	// Cursor is Next or Previous of an earlier page with the same filters,
	// search, order and deleted.
	Cursor []byte

	// AtLeast is a position that the answer must reflect; 0 is any. Wait
	// bounds the wait for it, at most 5 s.
	AtLeast int64
	Wait    time.Duration
}

// Page is one page of a list.
type Page[R any] struct {
	Rows []R
	// Count is how many rows there are on all pages; nil with a cursor.
	Count *int64
	// Number and Size are the page's, as they were used.
	Number, Size int
	// HasNext and HasPrevious say whether there are such pages.
	HasNext, HasPrevious bool
	// Next and Previous are the cursors of those pages, with Keyset; nil where
	// there is none. They hold column values: sign them before they leave.
	Next, Previous []byte
	// Position is the one that the answer is true for.
	Position int64
}

// Column describes a column to those who document and check parameters.
type Column struct {
	Name       string // in SQL and in parameters
	JSON       string // in answers; "" if it is not shown
	Type       Type
	Nullable   bool
	Personal   bool // sealed: neither filtered nor searched nor sorted
	Filters    []Op
	Sortable   bool
	Searchable bool
}

// Type is a column's type as clients see it.
type Type string

// The types, as in JSON Schema, with formats where they have one.
const (
	Text    Type = "string"
	Integer Type = "integer"
	Number  Type = "number"
	Boolean Type = "boolean"
	UUID    Type = "uuid"      // string, format uuid
	Time    Type = "date-time" // string, format date-time
	List    Type = "array"     // of strings
	JSON    Type = "object"    // anything else
)

// Columns lists the table's columns in the struct's order.
func (t *Table[R]) Columns() []Column {
	all := make([]Column, len(t.columns))
	for i, c := range t.columns {
		all[i] = c.Column
	}
	return all
}

// Kind is the kind of the aggregates that are the rows.
func (t *Table[R]) Kind() es.AnyKind { return t.spec.Kind }

// Fold is the row after one more event of its stream, from the row before, or
// from nil before the first. It gives an R, or nil once the stream is purged: a
// purged row is in no table. The row before stays as it was. Folding a stream
// gives what List and Get give, so a write can answer with it.
func (t *Table[R]) Fold(row any, rec es.Recorded, e es.Event) any {
	before, _ := row.(R)
	after, alive := t.fold(before, rec, e)
	if !alive {
		return nil
	}
	return after
}

// List reads one page. Errors: es.Invalid for a filter that is not allowed or
// whose value does not parse; es.NotFound "invalid_page" past the end and
// "invalid_cursor" for a cursor of another query; es.Unavailable
// "read_model_behind" when Query.AtLeast was not reached in time, and
// "projection_parked" while the account's events wait for a repair.
func (t *Table[R]) List(ctx context.Context, r *projections.Reader, scope Scope, q Query) (Page[R], error) {
	return t.list(ctx, r, scope, q)
}

// Get reads one row, and the position that the answer is true for. Of the query
// only Deleted, AtLeast and Wait matter. Errors: es.NotFound, the same one, for
// a row that is missing, another account's, out of the scope's sites, or
// deleted unless the query asks for those; es.Unavailable as List.
func (t *Table[R]) Get(ctx context.Context, r *projections.Reader, scope Scope, id es.ID, q Query) (R, int64, error) {
	return t.get(ctx, r, scope, id, q)
}

// Open opens the personal fields of rows in place, for an answer.
func (t *Table[R]) Open(ctx context.Context, o projections.Opener, account es.ID, rows ...*R) error {
	return t.open(ctx, o, account, rows)
}
