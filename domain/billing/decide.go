package billing

import (
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// decision is a ledger while it decides: every event is folded at once, so that
// it can say the balance after it.
type decision struct {
	ledger Ledger
	now    time.Time
	events []es.Event
}

// stampable is an event of a ledger that says the balance after it.
type stampable interface {
	es.Event
	stamped(Entry) es.Event
}

func (e CreditsGranted) stamped(at Entry) es.Event     { e.Entry = at; return e }
func (e CreditsReserved) stamped(at Entry) es.Event    { e.Entry = at; return e }
func (e CreditsCommitted) stamped(at Entry) es.Event   { e.Entry = at; return e }
func (e CreditsReleased) stamped(at Entry) es.Event    { e.Entry = at; return e }
func (e ReservationExpired) stamped(at Entry) es.Event { e.Entry = at; return e }
func (e GrantExpired) stamped(at Entry) es.Event       { e.Entry = at; return e }

// decide begins a decision: whatever is due by now expires first.
func (l Ledger) decide(now time.Time) *decision {
	d := &decision{ledger: l, now: l.now(now)}
	d.ledger.At = d.now
	for _, r := range l.Open {
		if r.due(d.now) {
			d.record(ReservationExpired{ReservationID: r.ID, Work: r.Work, Returns: d.back(r.Draws)})
		}
	}
	for _, g := range d.ledger.Grants {
		if g.expired(d.now) && g.Left > 0 {
			d.record(GrantExpired{GrantID: g.ID, Source: g.Source, Pool: g.Pool, Credits: g.Left})
		}
	}
	return d
}

func (d *decision) record(e stampable) {
	evolveLedger(&d.ledger, e)
	d.events = append(d.events, e.stamped(Entry{At: d.now, Balance: d.ledger.standing(d.now)}))
}

// back says where reserved credits go that are not charged.
func (d *decision) back(draws []Draw) (r Returns) {
	for _, draw := range draws {
		i := slices.IndexFunc(d.ledger.Grants, func(g Holding) bool { return g.ID == draw.Grant })
		if i >= 0 && d.ledger.Grants[i].expired(d.now) {
			r.Lapsed = append(r.Lapsed, draw)
		} else {
			r.Returned = append(r.Returned, draw)
		}
	}
	return r
}

// draw takes credits from the grants in force, and says how many there are.
func (d *decision) draw(credits int64) (draws []Draw, available int64) {
	for i := range d.ledger.Grants {
		g := &d.ledger.Grants[i]
		if g.Left == 0 || !g.effective(d.now) || g.expired(d.now) {
			continue
		}
		if n := min(g.Left, credits-available); n > 0 {
			draws = append(draws, Draw{g.ID, n})
		}
		available += g.Left
	}
	return draws, available
}

// AsOf is the ledger as it is at a time: what is due by then has expired.
func (l Ledger) AsOf(now time.Time) Ledger { return l.decide(now).ledger }

// Begin decides to open a ledger, with the credits that the plan includes. They
// never expire: a free plan's are given once. Priority is the plan pool's.
func (l Ledger) Begin(env es.Env, plan string, included int64) ([]es.Event, error) {
	opened := LedgerOpened{Plan: plan}
	if included == 0 {
		return []es.Event{opened}, nil
	}
	granted, err := l.Grant(env, NewGrant{Amount: included, Source: "plan:" + plan, Pool: PlanPool})
	return append([]es.Event{opened}, granted...), err
}

// Grant decides to give credits. Errors: es.Invalid, and es.Conflict
// "limit_reached" for more than a ledger can hold.
func (l Ledger) Grant(env es.Env, n NewGrant) ([]es.Event, error) {
	d, faults := l.decide(env.Now), es.Faults{}
	g := n.checked(faults, env.NewID(), d.now)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if len(d.ledger.Grants) >= maxGrants || d.ledger.standing(d.now).Total()+g.Amount > maxCredits {
		return nil, es.Refuse(es.Conflict, "limit_reached", "An account holds at most %d credits in %d grants.", int64(maxCredits), maxGrants)
	}
	d.record(CreditsGranted{Grant: g})
	return d.events, nil
}

// Reserve decides to set credits aside. The same reservation again, while it is
// open, records nothing. Errors: es.Invalid; es.Plan "insufficient_credits";
// es.Conflict for an id with another amount ("exists"), one that was resolved
// ("reservation_resolved"), or too many at a time ("limit_reached").
func (l Ledger) Reserve(env es.Env, n NewReservation) ([]es.Event, error) {
	d, faults := l.decide(env.Now), es.Faults{}
	if n.ID == (es.ID{}) {
		faults.Add("reservation_id", "This field is required.")
	}
	if n.Operation == "" {
		faults.Add("operation", "This field is required.")
	}
	if n.Credits < 0 || n.Credits > maxCredits {
		faults.Add("credits", "A reservation is of 0 to %d credits.", int64(maxCredits))
	}
	if !n.ExpiresAt.After(d.now) {
		faults.Add("expires_at", "A reservation expires later than now.")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if open, is := d.ledger.Reservation(n.ID); is {
		if open.Credits != n.Credits || open.Operation != n.Operation {
			return nil, es.Refuse(es.Conflict, "exists", "There is a reservation with this id already, of %d credits for %s.", open.Credits, open.Operation)
		}
		return nil, nil
	}
	if past, is := d.ledger.Resolution(n.ID); is {
		return nil, errResolved(past)
	}
	if len(d.ledger.Open) >= maxOpen {
		return nil, es.Refuse(es.Conflict, "limit_reached", "An account has at most %d open reservations.", maxOpen)
	}
	draws, available := d.draw(n.Credits)
	if available < n.Credits {
		return nil, es.Refuse(es.Plan, "insufficient_credits", "This needs %d credits, and %d are available.", n.Credits, available)
	}
	d.record(CreditsReserved{Reservation: Reservation{
		ID: n.ID, Work: n.Work, Credits: n.Credits, Draws: draws, ExpiresAt: n.ExpiresAt.UTC(),
	}})
	return d.events, nil
}

// Commit decides to charge at most what was reserved, for so many units, and to
// give the rest back. The same again records nothing. Errors: es.Invalid for
// more than was reserved; es.Conflict "reservation_expired" after its time,
// "reservation_resolved" if it ended otherwise; es.NotFound
// "reservation_unknown" for one that is not among the open and the last ones.
func (l Ledger) Commit(env es.Env, id es.ID, credits, units int64) ([]es.Event, error) {
	d := l.decide(env.Now)
	if past, is := d.ledger.Resolution(id); is {
		return nil, past.CommitsTo(credits)
	}
	r, is := d.ledger.Reservation(id)
	if !is {
		return nil, errUnknown()
	}
	faults := es.Faults{}
	if credits < 0 || credits > r.Credits {
		faults.Add("credits", "0 to %d credits can be charged: so many were reserved.", r.Credits)
	}
	if units < 0 {
		faults.Add("units", "It cannot be negative.")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	charged, rest := split(r.Draws, credits)
	d.record(CreditsCommitted{
		ReservationID: id, Work: r.Work, Credits: credits, Units: units, Draws: charged, Returns: d.back(rest),
	})
	return d.events, nil
}

// Release decides to give back all that was reserved. Doing it again, or after
// the reservation expired, records nothing: its credits are free. Errors:
// es.Conflict "reservation_resolved" if it was committed; es.NotFound
// "reservation_unknown" as Commit.
func (l Ledger) Release(env es.Env, id es.ID) ([]es.Event, error) {
	d := l.decide(env.Now)
	if past, is := d.ledger.Resolution(id); is {
		return nil, past.Releases()
	}
	r, is := d.ledger.Reservation(id)
	if !is {
		return nil, errUnknown()
	}
	d.record(CreditsReleased{ReservationID: id, Work: r.Work, Returns: d.back(r.Draws)})
	return d.events, nil
}

// Expire decides that what is due by now has expired: reservations, and what is
// left of grants. Nothing due records nothing.
func (l Ledger) Expire(env es.Env) []es.Event { return l.decide(env.Now).events }

func errUnknown() error {
	return es.Refuse(es.NotFound, "reservation_unknown", "There is no such reservation.")
}
