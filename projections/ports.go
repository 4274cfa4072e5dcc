package projections

import (
	"context"

	"github.com/igny8/igny8/domain/es"
)

// Log is everything that was ever written, in one order. Positions are dense,
// gapless and in commit order, from 1.
type Log interface {
	// Read gives up to limit events after a position. Page.Through is where to
	// read on from, also when the filter left everything out.
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
	// Head is the last position; 0 when nothing was written.
	Head(ctx context.Context) (int64, error)
	// Wait returns the last position as soon as it is past after: at once if
	// it is already, else when something is appended, or with ctx's error.
	Wait(ctx context.Context, after int64) (int64, error)
}

// Opener opens the personal fields of what a read answers.
type Opener interface {
	// OpenFields opens the fields in place, or marks them erased. All belong
	// to the account.
	OpenFields(ctx context.Context, account es.ID, fields []*es.Personal) error
}

// Streams is the log in another order: stream after stream. A rebuild folds it
// in constant memory and several times faster than by position. A Log may
// implement it; without it a rebuild goes by position.
type Streams interface {
	// EachByStream calls each with every event of the filter at or before a
	// position, ordered by account, kind, stream id and revision. It ends with
	// each's error, or the context's.
	EachByStream(ctx context.Context, filter es.Filter, through int64, each func(es.Recorded) error) error
}
