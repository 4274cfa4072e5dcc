package billing

import (
	"time"

	"github.com/igny8/igny8/domain/es"
)

const (
	maxOpen = 1_000 // reservations of one ledger at a time
	// remembered is how many resolved reservations a ledger knows, so that a
	// repeat is told from a contradiction without reading the past.
	remembered = 128
)

// Work is what credits are spent on, and the request that asked for it.
type Work struct {
	// Operation names the price: "clustering".
	Operation string `json:"operation"`
	// Job is the task that does it; zero: none.
	Job es.ID `json:"job_id,omitzero"`
	// Site is the site it is done for; zero: none.
	Site        es.ID  `json:"site_id,omitzero"`
	Request     string `json:"request_id,omitempty"`
	Correlation es.ID  `json:"correlation_id,omitzero"`
}

// Reservation is credits set aside for work.
type Reservation struct {
	ID es.ID `json:"reservation_id"`
	Work
	Credits int64 `json:"credits"`
	// Draws say which grants they come from, in the order of drawing.
	Draws     []Draw    `json:"draws,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (r *Reservation) due(now time.Time) bool { return !r.ExpiresAt.After(now) }

// NewReservation is what is asked for with a reservation.
type NewReservation struct {
	ID es.ID
	Work
	Credits   int64
	ExpiresAt time.Time
}

// Resolved says how a reservation ended.
type Resolved string

// The ends of a reservation.
const (
	Committed Resolved = "committed"
	Released  Resolved = "released"
	Expired   Resolved = "expired"
)

// Resolution is how a reservation ended, and what was charged.
type Resolution struct {
	Reservation es.ID
	As          Resolved
	Credits     int64
}

// CommitsTo says whether charging credits is what happened already: nil if so,
// else why it cannot happen any more.
func (r Resolution) CommitsTo(credits int64) error {
	switch {
	case r.As == Committed && r.Credits == credits:
		return nil
	case r.As == Expired:
		return errExpired()
	default:
		return errResolved(r)
	}
}

// Releases says whether nothing is reserved any more and nothing was charged:
// nil if so, else why it cannot be released.
func (r Resolution) Releases() error {
	if r.As == Committed {
		return errResolved(r)
	}
	return nil
}

func errExpired() error {
	return es.Refuse(es.Conflict, "reservation_expired", "The reservation has expired and its credits are free again. Nothing was charged; reserve anew.")
}

func errResolved(r Resolution) error {
	if r.As == Committed {
		return es.Refuse(es.Conflict, "reservation_resolved", "The reservation was committed with %d credits already.", r.Credits)
	}
	return es.Refuse(es.Conflict, "reservation_resolved", "The reservation was %s already.", r.As)
}
