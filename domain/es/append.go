package es

import "time"

// NewEvent is an event on its way to the store: an envelope without Position
// and RecordedAt, which the store sets, and the sealed data.
type NewEvent = Recorded

// Append is what a store writes to one stream, all or nothing.
type Append struct {
	Stream StreamID
	// Expected is the stream's revision that the events follow; 0 is a stream
	// that does not exist. The events' revisions are Expected+1 and so on.
	Expected int64
	Events   []NewEvent
	Claims   []ClaimChange
	// Bulk puts the append behind those of people who wait: imports, cascades.
	Bulk bool
}

// ClaimOp says what a ClaimChange does.
type ClaimOp int

// What a claim change does.
const (
	TakeClaim ClaimOp = iota
	ReleaseClaim
	CountClaim
)

// ClaimChange is one claim taken, released or counted with an append. Claims of
// one append apply releases first, and none of them without its events.
type ClaimChange struct {
	Op    ClaimOp
	Scope string
	// Key is the value, or its HMAC where it is personal; nil for counts.
	Key []byte
	// Delta and Limit are for counts: Delta is added, and if it is positive the
	// new sum must not pass Limit.
	Delta, Limit int64
}

// Appended is the answer to an append that is durable. A repeat of an append
// whose events are all stored gives the original answer with Repeat set.
type Appended struct {
	Position   int64 // of the last event
	Revision   int64 // of the last event
	RecordedAt time.Time
	Repeat     bool
}

// AppendResult is the outcome of one append of many.
type AppendResult struct {
	Appended
	Err error
}

// WrongRevisionError says that the stream was not at the expected revision.
// Nothing of the append was written.
type WrongRevisionError struct {
	Stream StreamID
	Actual int64
}

func (e *WrongRevisionError) Error() string {
	return "stream " + e.Stream.String() + " is at another revision than expected"
}

// ClaimRefusedError says that a claim of the append is taken, or its limit
// reached. Nothing of the append was written.
type ClaimRefusedError struct {
	// Index is the place of the refused claim in Append.Claims.
	Index int
	// Used and Limit are for counts.
	Used, Limit int64
}

func (e *ClaimRefusedError) Error() string { return "a claim of the append was refused" }

// Filter picks events from the log; what is empty picks all.
type Filter struct {
	// Types are literal type names, or prefixes that end in "*".
	Types   []string
	Account ID
	Site    ID
	Sector  ID
	// Kind picks one kind's streams, and Aggregate the stream of that id.
	Kind      string
	Aggregate ID
	// Actor picks what it caused; its role is not looked at.
	Actor       Actor
	Correlation ID
	Request     string
	// Since and Until pick what was recorded at Since or later, and before Until.
	Since, Until time.Time
}

// Page is a stretch of the log.
type Page struct {
	Events []Recorded
	// Through is the position up to which the page is complete: events that
	// the filter left out count as read.
	Through int64
}
