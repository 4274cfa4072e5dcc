package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Dues finds ledgers in which something is due. projections/billing has one.
type Dues interface {
	// Due lists up to limit accounts in whose ledgers something expires at now or
	// before, in the order of their ids, after one.
	Due(ctx context.Context, now time.Time, after es.ID, limit int) ([]es.ID, error)
}

const (
	duePage     = 100
	dueParallel = 4
	dueMost     = 10_000
)

// ExpireDue lets reservations and grants expire whose time is over at now, in
// one ledger after another, and says in how many it asked. It asks at most
// 10,000; the others are found the next time. Doing it again, or by several at
// once, changes nothing more: what is due is decided by each ledger, by the
// Bus's clock. Ledgers that fail do not stop the others; errors are joined.
func ExpireDue(ctx context.Context, bus *commands.Bus, dues Dues, now time.Time) (asked int, err error) {
	var after es.ID
	for asked < dueMost {
		accounts, dueErr := dues.Due(ctx, now, after, duePage)
		if dueErr != nil {
			return asked, errors.Join(err, fmt.Errorf("looking for what is due: %w", dueErr))
		}
		requests := make([]commands.Request, len(accounts))
		for i, account := range accounts {
			requests[i] = commands.Request{
				Tenant: es.Tenant{Account: account}, Actor: es.System(), Target: account, Payload: ExpireCredits{}, Bulk: true,
			}
		}
		_, errs := bus.DoAll(ctx, requests, dueParallel)
		for i, e := range errs {
			if e != nil {
				err = errors.Join(err, fmt.Errorf("expiring credits of account %s: %w", accounts[i], e))
			}
		}
		asked += len(accounts)
		if len(accounts) < duePage || ctx.Err() != nil {
			break
		}
		after = accounts[len(accounts)-1]
	}
	return asked, err
}
