package billing

import (
	"time"

	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// OpenLedger asks to begin an account's ledger, with the credits that its plan
// includes. The ledger's id is the account's.
type OpenLedger struct {
	Plan     string // a plan's slug
	Included int64
}

// Decide asks the ledger.
func (c OpenLedger) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Begin(env, c.Plan, c.Included)
}

// GrantCredits asks to give an account credits. The same command again gives
// them once.
type GrantCredits struct{ billing.NewGrant }

// Decide asks the ledger.
func (c GrantCredits) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Grant(env, c.NewGrant)
}

// ReserveCredits asks to set credits aside for work.
type ReserveCredits struct{ billing.NewReservation }

// Decide asks the ledger.
func (c ReserveCredits) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Reserve(env, c.NewReservation)
}

// CommitCredits asks to charge at most what was reserved.
type CommitCredits struct {
	Reservation    es.ID
	Credits, Units int64
}

// Decide asks the ledger.
func (c CommitCredits) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Commit(env, c.Reservation, c.Credits, c.Units)
}

// ReleaseCredits asks to give back what was reserved.
type ReleaseCredits struct{ Reservation es.ID }

// Decide asks the ledger.
func (c ReleaseCredits) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Release(env, c.Reservation)
}

// ExpireCredits asks to let everything expire that is due by now.
type ExpireCredits struct{}

// Decide asks the ledger.
func (ExpireCredits) Decide(env es.Env, l billing.Ledger) ([]es.Event, error) {
	return l.Expire(env), nil
}

// BalanceOf is what an account's ledger holds at a time.
type BalanceOf struct {
	billing.Balance
	At     time.Time
	Totals billing.Totals
	// Grants have credits left or held, in the order of drawing.
	Grants []billing.Holding
	Open   []billing.Reservation
}

// HeldBy is what a ledger holds at a time.
func HeldBy(l billing.Ledger, now time.Time) BalanceOf {
	l = l.AsOf(now)
	return BalanceOf{Balance: l.Balance(now), At: l.At, Totals: l.Totals, Grants: l.Grants, Open: l.Open}
}
