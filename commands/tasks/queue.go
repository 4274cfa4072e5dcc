package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Rows are the tasks that wait, run or are dead, as reactions keep them. Each
// change is made once for the event that it follows from. infra/tasks is one.
type Rows interface {
	// Put adds a task that waits.
	Put(ctx context.Context, rec es.Recorded, i Item) error
	// Cancel has the event's task end: at once where it waits, else its worker
	// hears of it.
	Cancel(ctx context.Context, rec es.Recorded) error
	// Replay has the event's task wait again, for so many attempts.
	Replay(ctx context.Context, rec es.Recorded, attempts int) error
}

// Item is a task as it was asked for.
type Item struct {
	Task        es.ID
	Kind        string
	Tenant      es.Tenant
	Input       json.RawMessage
	Attempts    int
	Limit       time.Duration
	Request     string
	Correlation es.ID
	Causation   es.ID // the event that asked for it
	Position    int64 // of that event
}

// Queue is where the workers of any process find tasks. infra/tasks is one.
type Queue interface {
	// Join gives a worker a place, which is seen to be gone as soon as its process
	// dies. Another is joined once it is lost.
	Join(ctx context.Context) (Seat, error)
}

// ErrLost says that another attempt has the task, or will.
var ErrLost = errors.New("the task is no longer this attempt's")

// Seat is a worker's place at the queue, and its leases there. What it writes is
// ErrLost, and changes nothing, once the lease is another's.
type Seat interface {
	Claims
	Writes
	// Lost is closed once others take this worker for dead.
	Lost() <-chan struct{}
	// Leave gives the place up, and what is still leased with it.
	Leave()
}

// Claims is how a worker comes by tasks and keeps them.
type Claims interface {
	// Claim leases up to c.Free tasks that may start now.
	Claim(ctx context.Context, c Claim) ([]Lease, error)
	// Cancelled leases tasks that are to be cancelled before they start.
	Cancelled(ctx context.Context, kinds []string, most int) ([]Lease, error)
	// Beat renews leases and tells progress, of all that are given at once. It
	// answers those that are still this worker's, and whether each is cancelled.
	Beat(ctx context.Context, beats []Beat) (map[es.ID]bool, error)
	// FreeLost lets others have what is leased to workers that are gone, or did
	// not renew it in time; it gives how many tasks there were.
	FreeLost(ctx context.Context) (int64, error)
}

// Claim says what a worker takes.
type Claim struct {
	Kinds []string
	// Free is how many it can take; the last Kept of them only from accounts with
	// nothing running.
	Free, Kept int
	// PerAccount is how many tasks of an account may run at once, anywhere.
	PerAccount int
}

// Writes is how a worker leaves a task.
type Writes interface {
	// Keep stores a part of the task's row.
	Keep(ctx context.Context, l Lease, part Part, value json.RawMessage) error
	// Retry has it wait again. Unused attempts do not count.
	Retry(ctx context.Context, l Lease, after time.Duration, unused bool) error
	// Bury keeps it as dead; refused says that it is for what it was asked with.
	Bury(ctx context.Context, l Lease, refused bool) error
	// Remove forgets it.
	Remove(ctx context.Context, l Lease) error
}

// Part is a part of a task's row that an attempt stores.
type Part string

// The parts.
const (
	SavedPart  Part = "saved"  // what Run.Save keeps
	OutPart    Part = "out"    // what Do gave
	EndingPart Part = "ending" // how it ends, before anybody is told
)

// Lease is an attempt's right to a task.
type Lease struct {
	Item
	// Attempt is its number, from 1, which no attempt had before. Past
	// LastAttempt it is not for trying any more.
	Attempt, LastAttempt int
	// Cancel says that it is to be ended instead.
	Cancel bool
	// Saved, Out and Ending are the row's parts; nil: there is none.
	Saved, Out, Ending json.RawMessage
	// Idle says that the account had nothing running, and Waited how long the
	// task could have started.
	Idle   bool
	Waited time.Duration
}

// Beat is a sign of life for one lease, with its progress.
type Beat struct {
	Account, Task es.ID
	Attempt       int
	Progress      Progress
}

// Progress is how far an attempt is; Total 0 is unknown.
type Progress struct {
	Stage       string
	Done, Total int64
}
