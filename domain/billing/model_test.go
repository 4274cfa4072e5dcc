package billing_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// model is a ledger that keeps every single credit, and does nothing cleverly.
type model struct {
	now      time.Time
	credits  []*credit
	open     map[es.ID]time.Time
	resolved map[es.ID]billing.Resolution
}

type credit struct {
	grant   *billing.Grant
	state   string // free, held, spent, lost
	held    es.ID
	order   int // of being drawn
	granted int
}

func newModel(now time.Time) *model {
	return &model{now: now, open: map[es.ID]time.Time{}, resolved: map[es.ID]billing.Resolution{}}
}

func (m *model) expired(g *billing.Grant) bool {
	return g.ExpiresAt != nil && !m.now.Before(*g.ExpiresAt)
}

func (m *model) pass(d time.Duration) {
	m.now = m.now.Add(d)
	for id, at := range m.open {
		if !m.now.Before(at) {
			m.resolve(id, billing.Expired, 0)
		}
	}
	for _, c := range m.credits {
		if c.state == "free" && m.expired(c.grant) {
			c.state = "lost"
		}
	}
}

func (m *model) grant(g billing.Grant) {
	for n := range g.Amount {
		m.credits = append(m.credits, &credit{grant: &g, state: "free", granted: int(n)})
	}
}

func (m *model) available() []*credit {
	var free []*credit
	for _, c := range m.credits {
		if c.state == "free" && !c.grant.EffectiveAt.After(m.now) {
			free = append(free, c)
		}
	}
	slices.SortStableFunc(free, func(a, b *credit) int {
		never := m.now.AddDate(1000, 0, 0)
		expiry := func(g *billing.Grant) time.Time {
			if g.ExpiresAt == nil {
				return never
			}
			return *g.ExpiresAt
		}
		return cmp.Or(cmp.Compare(a.grant.Priority, b.grant.Priority), expiry(a.grant).Compare(expiry(b.grant)),
			cmp.Compare(a.grant.ID.String(), b.grant.ID.String()))
	})
	return free
}

func (m *model) reserve(id es.ID, credits int64, expires time.Time) bool {
	free := m.available()
	if int64(len(free)) < credits {
		return false
	}
	for n, c := range free[:credits] {
		c.state, c.held, c.order = "held", id, n
	}
	m.open[id] = expires
	return true
}

func (m *model) resolve(id es.ID, as billing.Resolved, credits int64) {
	var held []*credit
	for _, c := range m.credits {
		if c.state == "held" && c.held == id {
			held = append(held, c)
		}
	}
	slices.SortFunc(held, func(a, b *credit) int { return cmp.Compare(a.order, b.order) })
	for n, c := range held {
		switch {
		case int64(n) < credits:
			c.state = "spent"
		case m.expired(c.grant):
			c.state = "lost"
		default:
			c.state = "free"
		}
	}
	delete(m.open, id)
	m.resolved[id] = billing.Resolution{Reservation: id, As: as, Credits: credits}
}

func (m *model) count(state string, pending bool) (n int64) {
	for _, c := range m.credits {
		if c.state == state && c.grant.EffectiveAt.After(m.now) == pending {
			n++
		}
	}
	return n
}

// check says in what the ledger differs.
func (m *model) check(l billing.Ledger) error {
	b := l.Balance(m.now)
	got := []int64{b.Available, b.Reserved, b.Pending, l.AsOf(m.now).Totals.Committed, l.AsOf(m.now).Totals.Expired}
	want := []int64{
		m.count("free", false), m.count("held", false), m.count("free", true),
		m.count("spent", false), m.count("lost", false) + m.count("lost", true),
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("available, reserved, pending, committed, expired are %v, want %v", got, want)
	}
	if b.Available < 0 || b.Reserved < 0 || b.Pending < 0 {
		return fmt.Errorf("a balance below zero: %+v", b)
	}
	for i := range l.Grants {
		g := l.AsOf(m.now)
		if i >= len(g.Grants) {
			break
		}
		var left, held int64
		for _, c := range m.credits {
			if c.grant.ID != g.Grants[i].ID {
				continue
			}
			switch c.state {
			case "free":
				left++
			case "held":
				held++
			}
		}
		if h := g.Grants[i]; h.Left != left || h.Held != held {
			return fmt.Errorf("of grant %s %d are left and %d held, want %d and %d", h.ID, h.Left, h.Held, left, held)
		}
	}
	return nil
}
