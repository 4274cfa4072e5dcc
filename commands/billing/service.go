package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

// History looks up what ledgers no longer remember. projections/billing has one.
type History interface {
	// Resolution is how a reservation ended, as of a position at least.
	Resolution(ctx context.Context, account, reservation es.ID, atLeast int64) (billing.Resolution, bool, error)
}

// Service is what work pays with.
type Service struct {
	Bus     *commands.Bus
	History History // nil: reservations of long ago are unknown
	// Head is the log's last position; needed with History, and to serve.
	Head  func(ctx context.Context) (int64, error)
	Clock func() time.Time // nil is time.Now
}

// Charge is what credits are for.
type Charge struct {
	// Reservation is its id, derived from the work's.
	Reservation es.ID
	// Operation names the price.
	Operation string
	// By is whose request it follows from: tenant, actor and trace are taken
	// from it, and the ledger's commands derive from its Command.
	By commands.Request
	// Job is the task that does the work.
	Job es.ID
}

// Price is what an operation of so many units costs, in credits, by the cost
// table of a moment ago. Errors: es.NotFound for an operation without a price,
// es.Invalid for a number of units that cannot be.
func (s *Service) Price(ctx context.Context, operation string, units int64) (int64, error) {
	cost, err := commands.LoadRecent(ctx, s.Bus, billing.CostKind, es.PlatformAccount, CostID(operation))
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the cost of %s: %w", operation, err)
	case !cost.Exists():
		return 0, es.Refuse(es.NotFound, "", "There is no price for the operation %q.", operation)
	}
	return cost.Price(units)
}

// Reserve sets credits aside until they are resolved, or until they expire. The
// same again changes nothing while they are reserved and after they were
// committed. Errors: es.Plan "insufficient_credits"; es.Conflict "exists" for the
// same reservation with another amount, "reservation_expired" and
// "reservation_resolved" for one that was given back; es.Unavailable
// "account_opening" for an account that has no ledger yet.
func (s *Service) Reserve(ctx context.Context, c Charge, credits int64, expires time.Time) error {
	o, err := s.do(ctx, c, "reserve", 0, ReserveCredits{billing.NewReservation{
		ID: c.Reservation, Work: c.work(), Credits: credits, ExpiresAt: expires,
	}})
	if err != nil || !o.Repeat {
		return err
	}
	then, _ := o.State.(billing.Ledger)
	if r, is := then.Reservation(c.Reservation); is && r.Credits != credits {
		return es.Refuse(es.Conflict, "exists", "There is a reservation with this id already, of %d credits.", r.Credits)
	}
	return s.stillReserved(ctx, c)
}

// stillReserved says why a reservation that was made is of no use any more.
func (s *Service) stillReserved(ctx context.Context, c Charge) error {
	account := c.By.Tenant.Account
	now, err := commands.Load(ctx, s.Bus, billing.LedgerKind, account, account)
	if err != nil {
		return err
	}
	now = now.AsOf(s.now())
	if _, open := now.Reservation(c.Reservation); open {
		return nil
	}
	past, is := now.Resolution(c.Reservation)
	if !is {
		if past, is, err = s.past(ctx, c); err != nil {
			return err
		}
	}
	if !is || past.As == billing.Committed {
		return nil
	}
	return past.CommitsTo(0)
}

// Commit charges at most what was reserved, for so many units, and frees the
// rest. The same again changes nothing. Errors: es.Invalid for more than was
// reserved; es.Conflict "reservation_expired" after its time, when nothing is
// charged, and "reservation_resolved" where it ended otherwise; es.NotFound
// "reservation_unknown".
func (s *Service) Commit(ctx context.Context, c Charge, credits, units int64) error {
	_, err := s.do(ctx, c, "commit", credits, CommitCredits{Reservation: c.Reservation, Credits: credits, Units: units})
	return s.orLongAgo(ctx, c, err, func(past billing.Resolution) error { return past.CommitsTo(credits) })
}

// Release frees what was reserved. The same again, and after the reservation
// expired, changes nothing. Errors: es.Conflict "reservation_resolved" once it
// was committed; es.NotFound "reservation_unknown".
func (s *Service) Release(ctx context.Context, c Charge) error {
	_, err := s.do(ctx, c, "release", 0, ReleaseCredits{Reservation: c.Reservation})
	return s.orLongAgo(ctx, c, err, billing.Resolution.Releases)
}

// orLongAgo judges a reservation that the ledger does not know by its history.
func (s *Service) orLongAgo(ctx context.Context, c Charge, err error, judge func(billing.Resolution) error) error {
	var e *es.Error
	if !errors.As(err, &e) || e.Word() != "reservation_unknown" {
		return err
	}
	past, is, lookErr := s.past(ctx, c)
	switch {
	case lookErr != nil:
		return lookErr
	case is:
		return judge(past)
	default:
		return err
	}
}

func (s *Service) past(ctx context.Context, c Charge) (billing.Resolution, bool, error) {
	if s.History == nil {
		return billing.Resolution{}, false, nil
	}
	head, err := s.Head(ctx)
	if err != nil {
		return billing.Resolution{}, false, err
	}
	return s.History.Resolution(ctx, c.By.Tenant.Account, c.Reservation, head)
}

// Balance is what an account holds now, as its stream says. One without a ledger
// holds nothing.
func (s *Service) Balance(ctx context.Context, account es.ID) (BalanceOf, error) {
	l, err := commands.Load(ctx, s.Bus, billing.LedgerKind, account, account)
	if err != nil {
		return BalanceOf{}, fmt.Errorf("reading the ledger of account %s: %w", account, err)
	}
	return HeldBy(l, s.now()), nil
}

func (s *Service) now() time.Time {
	if s.Clock == nil {
		return time.Now().UTC()
	}
	return s.Clock().UTC()
}

// work is what the ledger keeps of the charge.
func (c Charge) work() billing.Work {
	return billing.Work{
		Operation: c.Operation, Job: c.Job, Site: c.By.Tenant.Site, Request: c.By.Request, Correlation: c.correlation(),
	}
}

func (c Charge) correlation() es.ID {
	if c.By.Correlation == (es.ID{}) {
		return c.By.Command
	}
	return c.By.Correlation
}

// do asks the account's ledger. The command's id derives from the charge, what
// is done and n, so that the same again is a repeat.
func (s *Service) do(ctx context.Context, c Charge, what string, n int64, payload any) (commands.Outcome, error) {
	r, account := c.By, c.By.Tenant.Account
	parent := r.Command
	if parent == (es.ID{}) {
		parent = c.Reservation
	}
	if r.Causation == (es.ID{}) {
		r.Causation = r.Command
	}
	r.Correlation, r.Command = c.correlation(), es.Derive(parent, what+" "+c.Reservation.String(), int(n))
	r.Tenant, r.Target, r.Payload, r.IfRevision = es.Tenant{Account: account}, account, payload, 0
	o, err := s.Bus.Do(ctx, r)
	var e *es.Error
	if errors.As(err, &e) && e.Class == es.NotFound && e.Code == "" { // the stream: its reservations say what they are.
		return o, es.Refuse(es.Unavailable, "account_opening", "The account's ledger is being opened. Try again in a moment.")
	}
	return o, err
}
