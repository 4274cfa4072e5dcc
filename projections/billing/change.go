package billing

import (
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// change is what one event does to a ledger's sums, and the balance after it.
type change struct {
	billing.Entry
	kind                        string
	granted, committed, expired int64
	// reserved is the signed change of what is reserved.
	reserved int64
}

// amount is the signed change of all that the ledger holds.
func (c change) amount() int64 { return c.granted - c.committed - c.expired }

// changeOf is the zero change, without a kind, for an event that moves nothing.
func changeOf(e es.Event) change {
	switch e := e.(type) {
	case billing.CreditsGranted:
		return change{Entry: e.Entry, kind: "granted", granted: e.Amount}
	case billing.CreditsReserved:
		return change{Entry: e.Entry, kind: "reserved", reserved: e.Credits}
	case billing.CreditsCommitted:
		c := given("committed", e.Entry, e.Returns)
		c.committed, c.reserved = e.Credits, c.reserved-e.Credits
		return c
	case billing.CreditsReleased:
		return given("released", e.Entry, e.Returns)
	case billing.ReservationExpired:
		return given("reservation_expired", e.Entry, e.Returns)
	case billing.GrantExpired:
		return change{Entry: e.Entry, kind: "grant_expired", expired: e.Credits}
	default:
		return change{}
	}
}

// given is the change by which a reservation gives back what it did not need.
func given(kind string, at billing.Entry, back billing.Returns) change {
	c := change{Entry: at, kind: kind}
	for _, d := range back.Returned {
		c.reserved -= d.Credits
	}
	for _, d := range back.Lapsed {
		c.reserved -= d.Credits
		c.expired += d.Credits
	}
	return c
}
