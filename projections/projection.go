// Package projections turns the log into read models: the Runner feeds every
// Projection exactly once, each with a fenced checkpoint of its own in the
// transaction that writes its rows; Builder makes versions that are missing or
// anew; Reader answers what was written, true for a position.
package projections

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// Key names a projection's version. Versions live beside each other; a binary
// feeds and reads only those whose code it holds.
type Key struct {
	Name    string
	Version int
}

// Table is the suffix form in which a version's tables are named,
// "<name>_v<version>".
func (k Key) Table() string { return fmt.Sprintf("%s_v%d", k.Name, k.Version) }

// String is the name and version for people.
func (k Key) String() string { return fmt.Sprintf("%s v%d", k.Name, k.Version) }

// Decoded is an event of the log with its data read. Event is nil when the
// event was purged: what it did to counts still follows from the envelope's
// Type, and a later <kind>.purged.v1 event always follows it. Personal fields
// are sealed.
type Decoded struct {
	es.Recorded
	Event es.Event
	err   error
}

// Projection is a read model: what it wants of the log, its tables, and how it
// takes events. Implementations: table.Table and SQL.
//
// Statements name their tables without a schema: a rebuild runs them in a
// scratch schema by way of the search path. Every table has a column
// account_id first in its primary key, and a name that ends in _v<version>; the
// kernel adds row-level security and grants.
type Projection interface {
	// Key is the name and version.
	Key() Key
	// Wants lists stored event types, or prefixes that end in "*".
	Wants() []string
	// Shape is a text that changes when the tables do; a changed shape under
	// the same version is refused at start.
	Shape() string
	// Create makes the tables; Finish adds what is cheaper to make after the
	// first load: keys and indexes.
	Create(ctx context.Context, tx pgx.Tx) error
	Finish(ctx context.Context, tx pgx.Tx) error
	// Apply takes events in the order of the log, each exactly once. An error
	// undoes the transaction; one that the events cause by themselves parks
	// their account.
	Apply(ctx context.Context, tx pgx.Tx, events []Decoded) error
}

// Loader is a projection that a rebuild fills faster than by Apply: from whole
// streams, one after another, into fresh tables that have no keys yet.
type Loader interface {
	Projection
	// Load reads events ordered by stream and revision until next says false,
	// and writes their rows.
	Load(ctx context.Context, tx pgx.Tx, next func() (Decoded, bool, error)) error
}

// SQL is a projection by plain statements: counters, joins, indexes.
type SQL struct {
	Name    string
	Version int
	// Types are the event types it wants, or prefixes that end in "*".
	Types []string
	// DDL creates the tables, with keys and indexes. Tables are named without
	// schema, with the suffix _v<version>, and account_id is first in their
	// primary keys.
	DDL string
	// Func takes events in the order of the log, each exactly once; see
	// Decoded for purged ones. It must not depend on the order between
	// accounts.
	Func func(ctx context.Context, tx pgx.Tx, events []Decoded) error
}

// Key is the name and version.
func (s SQL) Key() Key { return Key{s.Name, s.Version} }

// Wants lists the event types.
func (s SQL) Wants() []string { return s.Types }

// Shape is the DDL and the wanted types.
func (s SQL) Shape() string { return fmt.Sprintf("%s\n%v", s.DDL, s.Types) }

// Create runs the DDL.
func (s SQL) Create(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, s.DDL)
	return err
}

// Finish has nothing left to do.
func (SQL) Finish(context.Context, pgx.Tx) error { return nil }

// Apply calls Func.
func (s SQL) Apply(ctx context.Context, tx pgx.Tx, events []Decoded) error {
	return s.Func(ctx, tx, events)
}
