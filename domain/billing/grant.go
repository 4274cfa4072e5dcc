package billing

import (
	"bytes"
	"cmp"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// Pool says where credits come from.
type Pool string

// The pools. Unless a grant says otherwise, the plan's credits go first.
const (
	PlanPool  Pool = "plan"
	BonusPool Pool = "bonus"
)

const (
	maxPriority = 1_000
	maxGrants   = 1_000 // with credits left, in one ledger
)

// priority is what a pool's grants have unless they say otherwise.
func (p Pool) priority() int64 {
	if p == PlanPool {
		return 100
	}
	return 200
}

// Grant is credits that an account was given.
type Grant struct {
	ID     es.ID `json:"id"`
	Amount int64 `json:"amount"`
	// Source says what they were given for: "plan:free".
	Source string `json:"source"`
	Pool   Pool   `json:"pool"`
	// Priority orders drawing, the lowest first; then the earliest expiry, then
	// the id.
	Priority    int64     `json:"priority"`
	EffectiveAt time.Time `json:"effective_at"`
	// ExpiresAt is when what is left is lost; nil is never.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// NewGrant is what is asked for with a grant.
type NewGrant struct {
	Amount      int64
	Source      string
	Pool        Pool
	Priority    int64      // 0: the pool's
	EffectiveAt time.Time  // zero: now
	ExpiresAt   *time.Time // nil: never
}

// checked is the grant that n asks for.
func (n NewGrant) checked(faults es.Faults, id es.ID, now time.Time) Grant {
	g := Grant{ID: id, Amount: n.Amount, Pool: n.Pool, Priority: n.Priority, EffectiveAt: n.EffectiveAt.UTC()}
	g.Source = text.Field(faults, "source", n.Source, 1, 200)
	if g.Amount < 1 || g.Amount > maxCredits {
		faults.Add("amount", "A grant is of 1 to %d credits.", int64(maxCredits))
	}
	if g.Pool != PlanPool && g.Pool != BonusPool {
		faults.Add("pool", "A pool is %s or %s.", PlanPool, BonusPool)
	}
	if g.Priority == 0 {
		g.Priority = g.Pool.priority()
	}
	if g.Priority < 0 || g.Priority > maxPriority {
		faults.Add("priority", "A priority is 1 to %d; the lowest is drawn first.", maxPriority)
	}
	if n.EffectiveAt.IsZero() {
		g.EffectiveAt = now
	}
	if n.ExpiresAt != nil {
		at := n.ExpiresAt.UTC()
		g.ExpiresAt = &at
		if !at.After(now) || !at.After(g.EffectiveAt) {
			faults.Add("expires_at", "A grant expires after it takes effect, and after now.")
		}
	}
	return g
}

func (g *Grant) effective(now time.Time) bool { return !g.EffectiveAt.After(now) }

func (g *Grant) expired(now time.Time) bool { return g.ExpiresAt != nil && !g.ExpiresAt.After(now) }

// drawnBefore orders grants as they are drawn.
func drawnBefore(a, b Holding) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), expiresBefore(a.ExpiresAt, b.ExpiresAt), bytes.Compare(a.ID[:], b.ID[:]))
}

func expiresBefore(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return a.Compare(*b)
	}
}

// Holding is a grant and what became of its credits: those Left are free, those
// Held belong to open reservations, and the others are gone.
type Holding struct {
	Grant
	Left int64
	Held int64
}

// Draw is credits of one grant.
type Draw struct {
	Grant   es.ID `json:"grant_id"`
	Credits int64 `json:"credits"`
}

func sum(draws []Draw) (n int64) {
	for _, d := range draws {
		n += d.Credits
	}
	return n
}

// split takes credits from the front of draws.
func split(draws []Draw, credits int64) (taken, rest []Draw) {
	for _, d := range draws {
		n := min(d.Credits, credits)
		credits -= n
		if n > 0 {
			taken = append(taken, Draw{d.Grant, n})
		}
		if n < d.Credits {
			rest = append(rest, Draw{d.Grant, d.Credits - n})
		}
	}
	return taken, rest
}
