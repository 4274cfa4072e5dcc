// Package retention gives up for good what was soft-deleted and can no longer be
// restored: it appends Purged, waits until everybody who reads the log has passed
// that, and then destroys the data, and with a user the keys of what is personal.
// A legal hold stops it. docs/adr/0010 says why it goes in these steps.
package retention

import (
	"context"
	"errors"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Bus carries commands out; *commands.Bus does.
type Bus interface {
	DoAll(ctx context.Context, requests []commands.Request, parallel int) ([]commands.Outcome, []error)
}

// Due is a soft-deleted aggregate and until when it is kept.
type Due struct {
	Account    es.ID
	Kind       string
	ID         es.ID
	PurgeAfter time.Time
	Deletion   es.ID
}

// Purge is a Purged event whose data was not destroyed yet.
type Purge struct {
	Stream   es.StreamID
	Revision int64 // of the Purged event: what is before it is destroyed
	Position int64
	Event    es.ID
	At       time.Time
}

// List knows what is to be purged, by a read model that may lag behind a little;
// infra/retention reads it.
type List interface {
	// Due lists up to limit aggregates that are kept until before or earlier,
	// after one, in an order that does not change, without those of the accounts
	// that are left out.
	Due(ctx context.Context, before time.Time, after Due, without []es.ID, limit int) ([]Due, error)
}

// Worklist keeps Purged events until they are done with; infra/retention has it.
type Worklist interface {
	// Collect adds every Purged event of the log that it has not seen, and gives
	// the position that it has seen everything through.
	Collect(ctx context.Context) (int64, error)
	// Open lists up to limit purges after a position, in order.
	Open(ctx context.Context, after int64, limit int) ([]Purge, error)
	// Done removes purges, and Waits keeps why others are not done. Either may be
	// repeated.
	Done(ctx context.Context, done []Purge) error
	Waits(ctx context.Context, why string, waiting []Purge) error
}

// Readers are those who read the log on their own: the read models, consumer
// groups.
type Readers interface {
	// Passed says how far each of them came.
	Passed(ctx context.Context) ([]Passed, error)
}

// Passed is how far a reader of the log came.
type Passed struct {
	// Who is the reader, for people who ask what a purge waits for.
	Who string
	// Position is what they have passed, with one exception: an account in
	// Parked has events that wait from that position on.
	Position int64
	Parked   map[es.ID]int64
}

// Holds knows which legal holds are in force now; commands/tenancy tells.
type Holds interface {
	Held(ctx context.Context, account es.ID) (bool, error)
}

// Store destroys the data of a stream's events; commands.Store does.
type Store interface {
	Purge(ctx context.Context, stream es.StreamID, through int64) error
}

// FollowUp destroys what there is of a purged aggregate besides its events and
// their snapshot, which a Store sees to. It may be repeated.
type FollowUp func(ctx context.Context, p Purge) error

func isHeld(err error) bool {
	var e *es.Error
	return errors.As(err, &e) && e.Word() == "legal_hold"
}
