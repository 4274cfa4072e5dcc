package planner

import (
	"context"
	"io"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

// Values of the domain that ports speak of, for those who implement them.
type (
	KeywordDetails = planner.KeywordDetails
	Intent         = planner.Intent
)

// The intents.
const (
	Informational = planner.Informational
	Navigational  = planner.Navigational
	Commercial    = planner.Commercial
	Transactional = planner.Transactional
)

// KeywordFiles reads keyword exports for what they are. infra/keywordfile is one.
type KeywordFiles interface {
	// Open recognises a file by its bytes; name is only a hint. It reads r as it
	// goes, in bounded memory. Errors: es.Invalid with a message for a person
	// where nothing in it can be read as keywords.
	Open(name string, r io.Reader) (KeywordFile, error)
}

// KeywordFile is a file that is being read.
type KeywordFile interface {
	// Next gives the next row, good or bad; io.EOF after the last. Rows that
	// are no data (preambles, repeated headers, totals, blank lines) do not come.
	Next() (KeywordRow, error)
	// Read is how many bytes of the file were read so far.
	Read() int64
	// Close gives up what is held for reading.
	Close() error
}

// KeywordRow is one row of data.
type KeywordRow struct {
	// Row is its place in the file as a spreadsheet counts, from 1.
	Row     int64
	Details planner.KeywordDetails
	// Problem says why the row is no keyword, for a person; "" is a good row.
	// Column names the column that it is about, where it is about one.
	Problem, Column string
}

// Uploads keeps files from their upload until they were read.
type Uploads interface {
	// Open gives a file's bytes, its name and its size. Errors: es.NotFound.
	Open(ctx context.Context, account, id es.ID) (r io.ReadCloser, name string, size int64, err error)
	// Delete forgets a file; one that is not there is forgotten already.
	Delete(ctx context.Context, account, id es.ID) error
}

// Claims looks up who holds what only one may. infra/eventstore has one.
type Claims interface {
	// Holders gives the aggregates that hold the keys in a scope, by key; keys
	// that nobody holds are left out.
	Holders(ctx context.Context, scope string, keys []string) (map[string]es.StreamID, error)
}

// Sectors reads keywords from the read model, as of a position at least.
// projections/planner has one.
type Sectors interface {
	Keywords(ctx context.Context, t es.Tenant, atLeast int64) ([]planner.SectorKeyword, error)
	Members(ctx context.Context, account, cluster es.ID, atLeast int64) ([]es.ID, error)
}

// Phrase is a keyword as those who read its words see it.
type Phrase struct {
	Text   string
	Volume int64 // searches a month; 0 where it is unknown
}

// Clusters is what a Clusterer makes of phrases. Every phrase is in exactly one
// group.
type Clusters struct {
	Groups []Group
	// Tokens is how much was read and written, for the price.
	Tokens int64
}

// Group is phrases that one page, or a few linked ones, can answer.
type Group struct {
	// Name is what a person would call it; no two groups share one, whatever
	// its case.
	Name string
	// Primary and Members are indexes of phrases; Primary is a member.
	Primary int
	Members []int
}

// Clusterer finds the topics in phrases. The same phrases in the same order give
// the same clusters. infra/builtin has one that needs no network.
type Clusterer interface {
	// Cluster groups the phrases. progress is told how many of all are done.
	Cluster(ctx context.Context, phrases []Phrase, progress func(done, total int64)) (Clusters, error)
	// Tokens is what clustering the phrases will count, before it is done.
	Tokens(phrases []Phrase) int64
}

// Intents finds what somebody who searches for a phrase wants. infra/builtin has
// one that goes by rules.
type Intents interface {
	// Intents gives at least one, the likeliest first, and how sure that is, in
	// percent.
	Intents(phrase string) (intents []planner.Intent, confidence int64)
}

// Credits pays for work: reserve before, then commit what it came to, or
// release. A reservation resolves once, and each of the three may be repeated.
type Credits interface {
	// Price is what an operation of so many units costs, in credits.
	Price(ctx context.Context, account es.ID, operation string, units int64) (int64, error)
	// Reserve sets credits aside until they are resolved, or until they expire.
	// Errors: es.Plan "insufficient_credits".
	Reserve(ctx context.Context, c Charge, credits int64, expires time.Time) error
	// Commit charges at most what was reserved and frees the rest.
	Commit(ctx context.Context, c Charge, credits, units int64) error
	// Release frees what was reserved.
	Release(ctx context.Context, c Charge) error
}

// Charge is what credits are for.
type Charge struct {
	// Reservation is its id, derived from the work's.
	Reservation es.ID
	// Operation names the price: "clustering".
	Operation string
	// By is whose request it follows from: tenant, actor and trace are taken
	// from it, and its Command is what the ledger's commands derive from.
	By commands.Request
	// Job is the task that does the work.
	Job es.ID
}
