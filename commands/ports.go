package commands

import (
	"context"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Store is where streams are kept. Implementations: infra/eventstore/memory
// and /postgres; one conformance suite (infra/eventstore/eventstoretest) says
// what each must do.
type Store interface {
	// Append writes to one stream and returns once it is durable. Errors:
	// *es.WrongRevisionError, *es.ClaimRefusedError, or an error that leaves
	// the outcome unknown; then the same append may be sent again, and its
	// event ids make sure that it happens once.
	Append(ctx context.Context, a es.Append) (es.Appended, error)
	// AppendMany writes to many streams, each on its own, with a result each
	// in the same order.
	AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult
	// ReadStream reads a stream from a revision on (1 is the first), in order.
	// A stream that does not exist reads as empty.
	ReadStream(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error)
	// Purge blanks data and salt of every event of the stream up to and
	// including revision; envelopes stay. Doing it again changes nothing.
	Purge(ctx context.Context, stream es.StreamID, through int64) error
}

// ManyStreams is a Store that reads many streams in one round trip.
type ManyStreams interface {
	// ReadStreams reads each stream from its first event, in the order asked.
	ReadStreams(ctx context.Context, streams []es.StreamID) ([][]es.Recorded, error)
}

// CommandFinder is a Store that finds what a command wrote without reading the
// whole stream.
type CommandFinder interface {
	// RevisionsOf gives the last revision that each of the commands wrote in
	// the stream. Those that wrote nothing there are left out.
	RevisionsOf(ctx context.Context, stream es.StreamID, commands []es.ID) (map[es.ID]int64, error)
}

// Vault seals and opens personal fields.
type Vault interface {
	// Seal replaces the personal texts of events by their sealed forms, bound
	// to account, stream, revision, type and field. It makes a subject's key
	// when there is none, and refuses (es.Conflict, "erased") a subject that
	// was erased.
	Seal(ctx context.Context, envelope es.Envelope, e es.Event) (es.Event, error)
	// Open gives the events with their personal fields in the clear, or
	// erased. All events belong to the account. It never fails for a field
	// that cannot be opened, only when keys cannot be read at all.
	Open(ctx context.Context, account es.ID, events []es.Event) ([]es.Event, error)
	// ClaimKey is the HMAC of a normalised personal value, under a key that
	// survives the rotation of the master key.
	ClaimKey(ctx context.Context, scope, value string) ([]byte, error)
}

// Idempotency remembers which command an Idempotency-Key stands for, and its
// answer.
type Idempotency interface {
	// Reserve binds the key to a command id before anything is done. Of
	// concurrent callers with one key exactly one is given the reservation.
	Reserve(ctx context.Context, k IdempotencyKey, fingerprint []byte, command es.ID, lease time.Duration) (Reservation, error)
	// Complete keeps the answer, for 24 hours.
	Complete(ctx context.Context, k IdempotencyKey, command es.ID, answer Answer) error
	// Release forgets a reservation whose command did nothing.
	Release(ctx context.Context, k IdempotencyKey, command es.ID) error
}

// IdempotencyKey is a client's key in its scope.
type IdempotencyKey struct {
	Account   es.ID  // zero on anonymous routes
	Principal string // who asks, or the route on anonymous ones
	Key       string
}

// Reservation says what a key stands for.
type Reservation struct {
	State ReservationState
	// Command is the command id to use when State is Reserved: the one given,
	// or an earlier one whose holder died.
	Command es.ID
	Answer  Answer // when State is Answered
}

// ReservationState says what to do with a request that carries a key.
type ReservationState int

// The states.
const (
	Reserved   ReservationState = iota // do it, with Reservation.Command
	InFlight                           // another request with the key is being done: 409
	Answered                           // it was done: repeat the answer
	Mismatched                         // the key was used for another request: 422
)

// Answer is a kept response. Personal fields in Body are sealed.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Accounts tells what an account's settings and plan say. It is asked when a
// command deletes, or takes up more of what a plan limits.
type Accounts interface {
	Policy(ctx context.Context, account es.ID) (Policy, error)
}
