package billing_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/billing"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// tally is what callers were told.
type tally struct{ refused, reserved, committed, released atomic.Int64 }

// race has 64 callers, spread over the services, reserve and resolve until each
// had so many turns.
func (w *world) race(turns int, services ...*Service) *tally {
	w.Helper()
	var told tally
	var group sync.WaitGroup
	for caller := range 64 {
		s := services[caller%len(services)]
		group.Go(func() {
			for turn := range turns {
				if err := w.turn(s, int64(caller+turn), &told); err != nil {
					w.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return &told
}

// turn reserves up to four credits, and commits all or some, releases or leaves
// them.
func (w *world) turn(s *Service, n int64, told *tally) error {
	c, credits := w.charge(), 1+n%4
	err := s.Reserve(w.Context(), c, credits, soon())
	if word(err) == "insufficient_credits" {
		told.refused.Add(1)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reserving: %w", err)
	}
	told.reserved.Add(credits)
	switch n % 5 {
	case 0:
		err = s.Release(w.Context(), c)
		told.released.Add(credits)
	case 1:
	case 2:
		err = s.Commit(w.Context(), c, 0, 0)
		told.released.Add(credits)
	default:
		err = s.Commit(w.Context(), c, credits, 1)
		told.committed.Add(credits)
	}
	if err != nil {
		return fmt.Errorf("resolving: %w", err)
	}
	return nil
}

// settled checks that the ledger, event by event, was never below zero, and is
// in the end what callers were told.
func (w *world) settled(granted int64, told *tally) {
	w.Helper()
	reserved, committed := told.reserved.Load(), told.committed.Load()
	open := reserved - committed - told.released.Load()
	w.has(granted-committed-open, open, committed)
	_, events := w.history()
	var sum int64
	for i, e := range events {
		var b billing.Balance
		switch e := e.(type) {
		case billing.CreditsGranted:
			b, sum = e.Balance, sum+e.Amount
		case billing.CreditsReserved:
			b = e.Balance
		case billing.CreditsCommitted:
			b, sum = e.Balance, sum-e.Credits
		case billing.CreditsReleased:
			b = e.Balance
		default:
			continue
		}
		if b.Available < 0 || b.Reserved < 0 || b.Total() != sum {
			w.Fatalf("event %d (%s) tells %+v of %d credits", i, e.EventType(), b, sum)
		}
	}
	if sum != granted-committed {
		w.Errorf("the events sum up to %d, want %d", sum, granted-committed)
	}
	if told.refused.Load() == 0 {
		w.Error("nobody was refused: the balance was not small")
	}
}

func TestManyCallersNeverOverdrawASmallBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(500)
	w.settled(500, w.race(10, w.Service))
}

func TestManyCallersOfTwoProcessesNeverOverdrawASmallBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(500)
	other, _ := w.process(commands.Config{})
	w.settled(500, w.race(10, w.Service, &Service{Bus: other}))
}

func TestTwoProcessesResolveAReservationOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(1000)
	other, _ := w.process(commands.Config{})
	two := []*Service{w.Service, {Bus: other}}
	var charged int64
	for range 30 {
		c := w.charge()
		w.must(w.Reserve(t.Context(), c, 10, soon()))
		var group sync.WaitGroup
		var won atomic.Int64
		for i := range 6 {
			group.Go(func() {
				again := c // another command for the same reservation
				again.By.Command = es.Derive(c.By.Command, "try", i)
				switch err := two[i%2].Commit(t.Context(), again, int64(1+i/2), 1); word(err) {
				case "":
					won.Store(int64(1 + i/2))
				case "reservation_resolved":
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		charged += won.Load()
	}
	w.has(1000-charged, 0, charged)
}
