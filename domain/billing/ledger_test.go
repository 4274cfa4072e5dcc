package billing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
)

// machine drives a ledger and the model side by side.
type machine struct {
	t      *rapid.T
	model  *model
	past   []es.Event
	states []Ledger
	ids    []es.ID
	made   int
	wall   time.Time // what a machine's clock says, which may go back
}

func (m *machine) ledger() Ledger { return m.states[len(m.states)-1] }

func (m *machine) env() es.Env {
	return es.Env{Tenant: es.Tenant{Account: estest.Account}, Now: m.wall, Actor: es.System(), NewID: m.newID}
}

func (m *machine) newID() es.ID {
	m.made++
	return es.Derive(estest.Command, "new", m.made)
}

// stored is an event as it comes back from the store.
func stored(t *rapid.T, e es.Event) es.Event {
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(reflect.TypeOf(e))
	if err := json.Unmarshal(data, v.Interface()); err != nil {
		t.Fatal(err)
	}
	back, _ := v.Elem().Interface().(es.Event)
	if !reflect.DeepEqual(back, e) {
		t.Fatalf("%s comes back as %+v, was %+v", data, back, e)
	}
	return back
}

// record folds what was decided and checks the balance that each event tells.
func (m *machine) record(events []es.Event, err error) error {
	if err != nil && len(events) > 0 {
		m.t.Fatalf("refused (%v) and decided %v", err, events)
	}
	for _, e := range events {
		m.past = append(m.past, e)
		before := m.ledger()
		next, _ := LedgerKind.Fold(before, envelope(len(m.past)), stored(m.t, e)).(Ledger)
		m.states = append(m.states, next)
		for _, instead := range m.past[:len(m.past)-1] { // must leave what did happen alone.
			LedgerKind.Fold(before, envelope(len(m.past)), instead)
		}
		if entry, told := entryOf(e); told {
			if want := next.Balance(entry.At); !reflect.DeepEqual(entry.Balance, want) && m.last(e) {
				m.t.Fatalf("%s tells the balance %+v, and it is %+v", e.EventType(), entry.Balance, want)
			}
			if entry.At.Before(m.model.now) {
				m.t.Fatalf("%s was decided at %s, before %s", e.EventType(), entry.At, m.model.now)
			}
		}
	}
	return err
}

// last says that nothing else was decided with the event: what is due beside it
// is not in the balance of the fold yet.
func (m *machine) last(e es.Event) bool {
	_, is := e.(GrantExpired)
	_, too := e.(ReservationExpired)
	return !is && !too
}

func envelope(revision int) es.Envelope {
	return es.Envelope{
		Stream:   es.StreamID{Account: estest.Account, Kind: LedgerKind.Name, ID: estest.Account},
		Revision: int64(revision), RecordedAt: estest.Now,
	}
}

func entryOf(e es.Event) (Entry, bool) {
	v := reflect.ValueOf(e).FieldByName("Entry")
	if !v.IsValid() {
		return Entry{}, false
	}
	entry, ok := v.Interface().(Entry)
	return entry, ok
}

func (m *machine) reservation() es.ID {
	if len(m.ids) == 0 || rapid.IntRange(0, 9).Draw(m.t, "which") == 0 {
		return es.Derive(estest.Command, "never made", 0)
	}
	return rapid.SampledFrom(m.ids).Draw(m.t, "reservation")
}

func (m *machine) grant() {
	n := NewGrant{
		Amount: rapid.Int64Range(1, 20).Draw(m.t, "amount"), Source: "test",
		Pool: rapid.SampledFrom([]Pool{PlanPool, BonusPool}).Draw(m.t, "pool"), Priority: rapid.Int64Range(0, 2).Draw(m.t, "priority"),
	}
	if rapid.Bool().Draw(m.t, "later") {
		n.EffectiveAt = m.model.now.Add(hours(m.t, "effective", 0, 10))
	}
	if rapid.Bool().Draw(m.t, "ends") {
		at := m.model.now.Add(hours(m.t, "expires", 11, 40))
		n.ExpiresAt = &at
	}
	if m.record(m.ledger().Grant(m.env(), n)) != nil {
		m.t.Fatal("a grant was refused")
	}
	granted, _ := m.past[len(m.past)-1].(CreditsGranted)
	m.model.grant(granted.Grant)
}

func (m *machine) reserve() {
	id, credits, expires := m.newID(), rapid.SampledFrom([]int64{0, 1, 1, 2, 3, 5, 25}).Draw(m.t, "credits"), m.model.now.Add(hours(m.t, "lasts", 1, 20))
	enough := int64(len(m.model.available())) >= credits
	err := m.record(m.ledger().Reserve(m.env(), NewReservation{ID: id, Work: Work{Operation: "x"}, Credits: credits, ExpiresAt: expires}))
	if (err == nil) != enough || err != nil && word(err) != "insufficient_credits" {
		m.t.Fatalf("reserving %d of %d: %v", credits, len(m.model.available()), err)
	}
	if enough {
		m.ids = append(m.ids, id)
		m.model.reserve(id, credits, expires)
	}
}

func (m *machine) commit() {
	id, credits := m.reservation(), rapid.SampledFrom([]int64{0, 1, 1, 2, 3, 25}).Draw(m.t, "credits")
	held := int64(0)
	for _, c := range m.model.credits {
		if c.state == "held" && c.held == id {
			held++
		}
	}
	want := "invalid"
	if past, is := m.model.resolved[id]; is {
		want = map[Resolved]string{Released: "reservation_resolved", Expired: "reservation_expired", Committed: "reservation_resolved"}[past.As]
		if past.As == Committed && past.Credits == credits {
			want = ""
		}
	} else if _, is := m.model.open[id]; !is {
		want = "reservation_unknown"
	} else if credits <= held {
		want = ""
		defer m.model.resolve(id, Committed, credits)
	}
	before := len(m.past)
	if err := m.record(m.ledger().Commit(m.env(), id, credits, 1)); word(err) != want {
		m.t.Fatalf("committing %d of %d: %v, want %q", credits, held, err, want)
	}
	if _, again := m.model.resolved[id]; again && len(m.past) != before {
		m.t.Fatalf("a second resolution recorded %v", m.past[before:])
	}
}

func (m *machine) release() {
	id := m.reservation()
	want := ""
	if past, is := m.model.resolved[id]; is && past.As == Committed {
		want = "reservation_resolved"
	} else if _, open := m.model.open[id]; !is && !open {
		want = "reservation_unknown"
	} else if open {
		defer m.model.resolve(id, Released, 0)
	}
	before := len(m.past)
	if err := m.record(m.ledger().Release(m.env(), id)); word(err) != want {
		m.t.Fatalf("releasing: %v, want %q", err, want)
	}
	if _, again := m.model.resolved[id]; again && len(m.past) != before {
		m.t.Fatalf("a second resolution recorded %v", m.past[before:])
	}
}

func hours(t *rapid.T, what string, from, to int) time.Duration {
	return time.Duration(rapid.IntRange(from, to).Draw(t, what)) * time.Hour
}

func word(err error) string {
	var e *es.Error
	if errors.As(err, &e) {
		return e.Word()
	}
	return ""
}

func (m *machine) step() {
	switch rapid.SampledFrom([]string{"grant", "reserve", "reserve", "reserve", "reserve", "commit", "release", "expire", "time", "clock"}).Draw(m.t, "step") {
	case "grant":
		m.grant()
	case "reserve":
		m.reserve()
	case "commit":
		m.commit()
	case "release":
		m.release()
	case "expire":
		_ = m.record(m.ledger().Expire(m.env()), nil)
		if again := m.ledger().Expire(m.env()); len(again) > 0 {
			m.t.Fatalf("what has expired expires again: %v", again)
		}
	case "time":
		m.model.pass(hours(m.t, "pass", 0, 12))
		m.wall = m.model.now
		_ = m.record(m.ledger().Expire(m.env()), nil)
	case "clock": // another machine, whose clock is behind
		m.wall = m.ledger().At.Add(-time.Minute)
	}
	if m.ledger().At.Before(m.model.now) && m.wall.Before(m.model.now) {
		m.wall = m.model.now // nothing tells the ledger what time it is but its own events.
	}
}

func TestALedgerDoesWhatOneOfSingleCreditsDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{t: t, model: newModel(estest.Now), wall: estest.Now, states: []Ledger{{}}}
		_ = m.record(Ledger{}.Begin(m.env(), "free", 0))
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			m.step()
			if err := m.model.check(m.ledger()); err != nil {
				t.Fatal(err)
			}
			if err := audited(m.past, m.ledger()); err != nil {
				t.Fatal(err)
			}
		}
		var again any = Ledger{}
		for i, e := range m.past {
			if again = LedgerKind.Fold(again, envelope(i+1), e); !reflect.DeepEqual(again, m.states[i+1]) {
				t.Fatalf("folding on changed the state after event %d: %+v, was %+v", i+1, m.states[i+1], again)
			}
		}
		kept, err := json.Marshal(m.ledger())
		var back Ledger
		if err != nil || json.Unmarshal(kept, &back) != nil || !reflect.DeepEqual(normal(back), normal(m.ledger())) {
			t.Fatalf("a snapshot comes back as %+v, was %+v", back, m.ledger())
		}
	})
}

// normal has no empty slices that are not nil.
func normal(l Ledger) Ledger {
	if len(l.Grants) == 0 {
		l.Grants = nil
	}
	if len(l.Open) == 0 {
		l.Open = nil
	}
	return l
}

// audited recomputes the balance from the events' draws alone.
func audited(past []es.Event, l Ledger) error {
	left, held := map[es.ID]int64{}, map[es.ID]int64{}
	move := func(draws []Draw, from, to map[es.ID]int64) {
		for _, d := range draws {
			if from[d.Grant] -= d.Credits; to != nil {
				to[d.Grant] += d.Credits
			}
		}
	}
	var balance Balance
	var total int64
	for _, e := range past {
		switch e := e.(type) {
		case CreditsGranted:
			left[e.ID] += e.Amount
			total += e.Amount
		case CreditsReserved:
			move(e.Draws, left, held)
		case CreditsCommitted:
			move(e.Draws, held, nil)
			move(e.Returned, held, left)
			move(e.Lapsed, held, nil)
			total -= e.Credits + credits(e.Lapsed)
		case CreditsReleased:
			move(e.Returned, held, left)
			move(e.Lapsed, held, nil)
			total -= credits(e.Lapsed)
		case ReservationExpired:
			move(e.Returned, held, left)
			move(e.Lapsed, held, nil)
			total -= credits(e.Lapsed)
		case GrantExpired:
			move([]Draw{{e.GrantID, e.Credits}}, left, nil)
			total -= e.Credits
		}
		for id := range left {
			if left[id] < 0 || held[id] < 0 {
				return fmt.Errorf("after %s grant %s has %d left and %d held", e.EventType(), id, left[id], held[id])
			}
		}
		if entry, told := entryOf(e); told {
			balance = entry.Balance
			var reserved int64
			for _, n := range held {
				reserved += n
			}
			if balance.Reserved != reserved {
				return fmt.Errorf("%s tells %d reserved, and its draws sum up to %d", e.EventType(), balance.Reserved, reserved)
			}
		}
	}
	if l.Totals.Granted-l.Totals.Committed-l.Totals.Expired != total {
		return fmt.Errorf("totals %+v, and the events sum up to %d", l.Totals, total)
	}
	if len(past) > 1 && balance.Total() != total {
		return fmt.Errorf("the last event tells %+v, and the events sum up to %d", balance, total)
	}
	return nil
}

func credits(draws []Draw) (n int64) {
	for _, d := range draws {
		n += d.Credits
	}
	return n
}
