package billing

import (
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// LedgerKind is the kind of ledgers, one in each account, under the account's
// own id. There is no way to delete one.
var LedgerKind = es.Kind[Ledger]{
	Name: "billing.ledger", Evolve: evolveLedger, Snapshots: 1,
	Events: es.Events(LedgerOpened{}, CreditsGranted{}, CreditsReserved{}, CreditsCommitted{},
		CreditsReleased{}, ReservationExpired{}, GrantExpired{}),
}

// Entry is what every event of a ledger ends with: when it was decided and what
// the balance is then. RecordedAt may be a little later.
type Entry struct {
	At      time.Time `json:"at"`
	Balance Balance   `json:"balance"`
}

// Balance is what a ledger holds. Available, Reserved and Pending sum up to
// everything granted that was neither charged nor lost.
type Balance struct {
	// Available can be reserved now. It is never negative.
	Available int64 `json:"available"`
	// Reserved is held by open reservations.
	Reserved int64 `json:"reserved"`
	// Pending belongs to grants that take effect later.
	Pending int64 `json:"pending"`
	// NextDue is when the next reservation or grant expires; nil: none does.
	NextDue *time.Time `json:"next_due_at,omitempty"`
}

// Total is everything granted that was neither charged nor lost.
func (b Balance) Total() int64 { return b.Available + b.Reserved + b.Pending }

// LedgerOpened says an account has a ledger from now on.
type LedgerOpened struct {
	// Plan is the plan's slug that the account opened on.
	Plan string `json:"plan"`
}

// EventType is the stored name.
func (LedgerOpened) EventType() string { return "billing.ledger.opened.v1" }

// CreditsGranted says an account was given credits.
type CreditsGranted struct {
	Grant
	Entry
}

// EventType is the stored name.
func (CreditsGranted) EventType() string { return "billing.ledger.granted.v1" }

// CreditsReserved says credits were set aside for work.
type CreditsReserved struct {
	Reservation
	Entry
}

// EventType is the stored name.
func (CreditsReserved) EventType() string { return "billing.ledger.reserved.v1" }

// CreditsCommitted says reserved credits were charged, and the rest of them
// given back.
type CreditsCommitted struct {
	ReservationID es.ID `json:"reservation_id"`
	Work
	// Credits were charged, for so many Units of the operation; Draws say which
	// grants they came from.
	Credits int64  `json:"credits"`
	Units   int64  `json:"units"`
	Draws   []Draw `json:"draws,omitempty"`
	Returns
	Entry
}

// EventType is the stored name.
func (CreditsCommitted) EventType() string { return "billing.ledger.committed.v1" }

// CreditsReleased says reserved credits were given back, and nothing charged.
type CreditsReleased struct {
	ReservationID es.ID `json:"reservation_id"`
	Work
	Returns
	Entry
}

// EventType is the stored name.
func (CreditsReleased) EventType() string { return "billing.ledger.released.v1" }

// ReservationExpired says reserved credits were given back because nobody had
// resolved the reservation in time.
type ReservationExpired struct {
	ReservationID es.ID `json:"reservation_id"`
	Work
	Returns
	Entry
}

// EventType is the stored name.
func (ReservationExpired) EventType() string { return "billing.ledger.reservation_expired.v1" }

// Returns are the reserved credits that were not charged.
type Returns struct {
	// Returned are free again.
	Returned []Draw `json:"returned,omitempty"`
	// Lapsed are lost: their grant expired while they were reserved.
	Lapsed []Draw `json:"lapsed,omitempty"`
}

// GrantExpired says what was left of a grant is lost.
type GrantExpired struct {
	GrantID es.ID  `json:"grant_id"`
	Source  string `json:"source"`
	Pool    Pool   `json:"pool"`
	Credits int64  `json:"credits"`
	Entry
}

// EventType is the stored name.
func (GrantExpired) EventType() string { return "billing.ledger.grant_expired.v1" }

// Ledger is an account's credits. It stays small: what is used up or resolved
// leaves it. Its slices are replaced, never changed.
type Ledger struct {
	es.Entity
	Plan string
	// Grants have credits left or held, in the order of drawing.
	Grants []Holding
	// Open are the reservations that are not resolved.
	Open []Reservation
	// Resolved are the last reservations that were, the latest last.
	Resolved []Resolution
	// At is when the last event was decided; no later one is before it.
	At     time.Time
	Totals Totals
}

// Totals are sums over a ledger's whole life. Granted less Committed less
// Expired is what it holds.
type Totals struct {
	Granted   int64 `json:"granted"`
	Committed int64 `json:"committed"`
	Expired   int64 `json:"expired"`
}

// Reservation is an open reservation.
func (l Ledger) Reservation(id es.ID) (Reservation, bool) {
	i := slices.IndexFunc(l.Open, func(r Reservation) bool { return r.ID == id })
	if i < 0 {
		return Reservation{}, false
	}
	return l.Open[i], true
}

// Resolution is how a reservation ended, if that was lately.
func (l Ledger) Resolution(id es.ID) (Resolution, bool) {
	i := slices.IndexFunc(l.Resolved, func(r Resolution) bool { return r.Reservation == id })
	if i < 0 {
		return Resolution{}, false
	}
	return l.Resolved[i], true
}

// Balance is what the ledger holds at a time.
func (l Ledger) Balance(now time.Time) Balance {
	l = l.AsOf(now)
	return l.standing(l.At)
}

// standing is the balance of a ledger of which nothing is due.
func (l *Ledger) standing(now time.Time) Balance {
	var b Balance
	due := func(at *time.Time) {
		if at != nil && (b.NextDue == nil || at.Before(*b.NextDue)) {
			b.NextDue = at
		}
	}
	for i := range l.Grants {
		g := &l.Grants[i]
		b.Reserved += g.Held
		if g.effective(now) {
			b.Available += g.Left
		} else {
			b.Pending += g.Left
		}
		if g.Left > 0 {
			due(g.ExpiresAt)
		}
	}
	for i := range l.Open {
		due(&l.Open[i].ExpiresAt)
	}
	return b
}

// now is never before the ledger's last event, whatever a machine's clock says.
func (l *Ledger) now(now time.Time) time.Time {
	if l.At.After(now) {
		return l.At
	}
	return now
}

func evolveLedger(l *Ledger, e es.Event) {
	switch e := e.(type) {
	case LedgerOpened:
		l.Plan = e.Plan
	case CreditsGranted:
		l.grant(e.Grant)
		l.decided(e.Entry)
	case CreditsReserved:
		l.move(e.Draws, func(g *Holding, n int64) { g.Left, g.Held = g.Left-n, g.Held+n })
		l.Open = append(l.Open[:len(l.Open):len(l.Open)], e.Reservation)
		l.decided(e.Entry)
	case CreditsCommitted:
		l.move(e.Draws, func(g *Holding, n int64) { g.Held -= n })
		l.Totals.Committed += e.Credits
		l.resolve(Resolution{e.ReservationID, Committed, e.Credits}, e.Returns)
		l.decided(e.Entry)
	case CreditsReleased:
		l.resolve(Resolution{e.ReservationID, Released, 0}, e.Returns)
		l.decided(e.Entry)
	case ReservationExpired:
		l.resolve(Resolution{e.ReservationID, Expired, 0}, e.Returns)
		l.decided(e.Entry)
	case GrantExpired:
		l.move([]Draw{{e.GrantID, e.Credits}}, func(g *Holding, n int64) { g.Left -= n })
		l.Totals.Expired += e.Credits
		l.decided(e.Entry)
	}
}

func (l *Ledger) decided(e Entry) {
	if e.At.After(l.At) {
		l.At = e.At
	}
}

func (l *Ledger) grant(g Grant) {
	h := Holding{Grant: g, Left: g.Amount}
	at, _ := slices.BinarySearchFunc(l.Grants, h, drawnBefore)
	l.Grants = slices.Concat(l.Grants[:at], []Holding{h}, l.Grants[at:])
	l.Totals.Granted += g.Amount
}

// resolve ends a reservation. What was charged of it left its grants before.
func (l *Ledger) resolve(r Resolution, back Returns) {
	l.move(back.Returned, func(g *Holding, n int64) { g.Held, g.Left = g.Held-n, g.Left+n })
	l.move(back.Lapsed, func(g *Holding, n int64) { g.Held -= n })
	l.Totals.Expired += sum(back.Lapsed)
	if at := slices.IndexFunc(l.Open, func(o Reservation) bool { return o.ID == r.Reservation }); at >= 0 {
		l.Open = slices.Concat(l.Open[:at], l.Open[at+1:])
	}
	past := l.Resolved[max(0, len(l.Resolved)-remembered+1):]
	l.Resolved = append(past[:len(past):len(past)], r)
}

// move changes the grants that are drawn on, and drops those that are used up.
func (l *Ledger) move(draws []Draw, change func(g *Holding, n int64)) {
	if len(draws) == 0 {
		return
	}
	grants := slices.Clone(l.Grants)
	for _, d := range draws {
		if i := slices.IndexFunc(grants, func(g Holding) bool { return g.ID == d.Grant }); i >= 0 {
			change(&grants[i], d.Credits)
		}
	}
	l.Grants = slices.DeleteFunc(grants, func(g Holding) bool { return g.Left == 0 && g.Held == 0 })
}
