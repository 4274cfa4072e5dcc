package projections

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// applied calls the projection. An event that could not be decoded, and a
// panic, are errors like any other.
func applied(ctx context.Context, p Projection, tx pgx.Tx, events []Decoded) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for i := range events {
		if events[i].err != nil {
			return events[i].err
		}
	}
	return p.Apply(ctx, tx, events)
}

// fault is an event that its projection cannot take.
type fault struct {
	account  es.ID
	position int64
	err      error
}

// applyIsolated applies what can be applied, account by account, each up to the
// first of its events that fails. It is the way to go after a batch has failed:
// slower, but what one account does stays that account's.
func applyIsolated(ctx context.Context, p Projection, tx pgx.Tx, events []Decoded) (faults []fault, err error) {
	order, byAccount := groups(events)
	for _, account := range order {
		err := attempt(ctx, p, tx, byAccount[account])
		if err == nil {
			continue
		}
		if systemic(err, tx.Conn()) {
			return nil, err
		}
		for _, e := range byAccount[account] {
			err := attempt(ctx, p, tx, []Decoded{e})
			if err == nil {
				continue
			}
			if systemic(err, tx.Conn()) {
				return nil, err
			}
			faults = append(faults, fault{account, e.Position, err})
			break
		}
	}
	return faults, nil
}

func attempt(ctx context.Context, p Projection, tx pgx.Tx, events []Decoded) error {
	return pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error { return applied(ctx, p, savepoint, events) })
}

func groups(events []Decoded) (order []es.ID, byAccount map[es.ID][]Decoded) {
	byAccount = map[es.ID][]Decoded{}
	for _, e := range events {
		account := e.Stream.Account
		if _, seen := byAccount[account]; !seen {
			order = append(order, account)
		}
		byAccount[account] = append(byAccount[account], e)
	}
	return order, byAccount
}

// upTo cuts off what follows a position.
func upTo(events []Decoded, through int64) []Decoded {
	for i := range events {
		if events[i].Position > through {
			return events[:i]
		}
	}
	return events
}
