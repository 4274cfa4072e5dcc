package commands

import (
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Request is a command on its way: whose data it is about, who asks, and how it
// is traced.
type Request struct {
	// Tenant is whose data it is about; on creates in a site or sector, that
	// one. Other commands take site and sector from their aggregate.
	Tenant es.Tenant
	Actor  es.Actor
	// Command is the command's id; zero makes a new one. The same id again
	// takes effect once, and answers the same.
	Command es.ID
	// Request is the X-Request-ID it came with.
	Request     string
	Correlation es.ID // zero: the command's own id
	Causation   es.ID // the event that caused it; zero: a request did
	// Target is the aggregate's id; zero on a create makes one.
	Target es.ID
	// Payload is the command: a declared type, or Delete, Restore, Purge.
	Payload any
	// IfRevision, when not zero, must be the aggregate's revision, else
	// es.Precondition; it is never tried again.
	IfRevision int64
	// DryRun decides and answers, and appends nothing.
	DryRun bool
	// Bulk gives way to people who wait.
	Bulk bool
}

// Outcome is what became of a command.
type Outcome struct {
	Stream   es.StreamID
	Revision int64
	// Position is the last one that the answer depends on, also for a command
	// that changed nothing.
	Position int64
	// State is the aggregate after the command, and Row its read model's row
	// folded from the stream (nil where the kind has none).
	State any
	Row   any
	// Events are what the command wrote, with their personal fields opened.
	Events []Written
	// Repeat says that the command had already taken effect earlier.
	Repeat bool
}

// Written is an event with its envelope.
type Written struct {
	es.Envelope
	Event es.Event
}

// Changed says whether the command wrote anything, now or in an earlier try.
func (o Outcome) Changed() bool { return len(o.Events) > 0 || o.Repeat }

// Policy is what an account's settings and plan say now.
type Policy struct {
	RetentionDays int
	// Limits are the plan's, by the name of the resource. What is not named is
	// unlimited.
	Limits map[string]int64
}

// Shape folds a kind's read-model row, so that a write answers what a read will.
type Shape struct {
	Zero any
	Fold func(row any, rec es.Recorded, e es.Event) any
}

// Config sets the pace of a Bus; the zero value is good.
type Config struct {
	// Group is how many commands on one stream go out as one append at most.
	Group int // default 256
	// Chunk is how many commands on streams of their own go out as one append
	// of many.
	Chunk int // default 500
	// Remember is how many command ids a stream knows at most. What is further
	// back is looked up in the log before a command is refused, or said to
	// change nothing; one that writes meets its own event ids.
	Remember int // default 1024
	// SnapshotEvery is how many events of a stream come between its snapshots.
	SnapshotEvery int // default 500
	// CachedStreams bounds the states kept in memory.
	CachedStreams int // default 20,000
	// Fresh is how long a cached state serves for what needs no more than a
	// recent look: alignment, policies.
	Fresh time.Duration // default 1 s
	Clock func() time.Time
	// Step is called between the steps of a command with their names; tests
	// kill the process there.
	Step func(name string)
}
