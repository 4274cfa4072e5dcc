package billing

import (
	"context"
	"time"

	commands "github.com/igny8/igny8/commands/billing"
	domain "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

// nothing is the input of routes that take none.
type nothing struct{}

// sums are credits: what can be reserved, what is, and what takes effect later.
type sums struct {
	Available int64 `json:"available"`
	Reserved  int64 `json:"reserved"`
	Pending   int64 `json:"pending"`
}

// balance is what an account holds.
type balance struct {
	Available int64 `json:"available"`
	Reserved  int64 `json:"reserved"`
	Pending   int64 `json:"pending"`
	// Total is the sum of the three.
	Total int64 `json:"total"`
	Pools pools `json:"pools"`
	// Grants have credits left or reserved, in the order of drawing.
	Grants []grant `json:"grants"`
	// OpenReservations is how many pieces of work hold credits.
	OpenReservations int `json:"open_reservations"`
	// NextDueAt is when the next grant or reservation expires.
	NextDueAt *time.Time `json:"next_due_at"`
}

type pools struct {
	Plan  sums `json:"plan"`
	Bonus sums `json:"bonus"`
}

// grant is credits that an account was given: Amount then, of which some are
// Left and some Reserved.
type grant struct {
	ID          es.ID      `json:"id"`
	Source      string     `json:"source"`
	Pool        string     `json:"pool"`
	Priority    int64      `json:"priority"`
	Amount      int64      `json:"amount"`
	Left        int64      `json:"left"`
	Reserved    int64      `json:"reserved"`
	EffectiveAt time.Time  `json:"effective_at"`
	ExpiresAt   *time.Time `json:"expires_at"`
}

func (s service) balance(ctx context.Context, _ *nothing) (*balance, error) {
	held, err := s.held(ctx, readapi.CallOf(ctx))
	if err != nil {
		return nil, err
	}
	b := balanceOf(held)
	return &b, nil
}

// held reads the account's ledger. The answer is true for the log's end as it
// was before.
func (s service) held(ctx context.Context, call *readapi.Call) (commands.BalanceOf, error) {
	position, err := s.credits.Head(ctx)
	if err != nil {
		return commands.BalanceOf{}, err
	}
	held, err := s.credits.Balance(ctx, call.Principal.Account)
	if err == nil {
		call.TrueAt(call.Principal.Account, position)
	}
	return held, err
}

func balanceOf(held commands.BalanceOf) balance {
	b := balance{
		Available: held.Available, Reserved: held.Reserved, Pending: held.Pending,
		Total: held.Total(), Grants: make([]grant, 0, len(held.Grants)), OpenReservations: len(held.Open), NextDueAt: held.NextDue,
	}
	for _, g := range held.Grants {
		b.Grants = append(b.Grants, grantOf(g))
		pool := &b.Pools.Bonus
		if g.Pool == domain.PlanPool {
			pool = &b.Pools.Plan
		}
		pool.Reserved += g.Held
		if g.EffectiveAt.After(held.At) {
			pool.Pending += g.Left
		} else {
			pool.Available += g.Left
		}
	}
	return b
}

func grantOf(g domain.Holding) grant {
	return grant{
		ID: g.ID, Source: g.Source, Pool: string(g.Pool), Priority: g.Priority, Amount: g.Amount, Left: g.Left, Reserved: g.Held,
		EffectiveAt: g.EffectiveAt, ExpiresAt: g.ExpiresAt,
	}
}
