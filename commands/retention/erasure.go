package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Receipt says that a person was erased. It holds nothing about them but ids.
type Receipt struct {
	Account  es.ID     `json:"account_id"`
	Subject  es.ID     `json:"subject_id"`
	ErasedAt time.Time `json:"erased_at"`
	// Event is the Purged event that it follows from.
	Event es.ID `json:"event_id"`
}

// Keys are what personal fields are sealed with; infra/vault has them.
type Keys interface {
	// Erase destroys a person's key and says when that was. Again it changes
	// nothing. Errors: es.Conflict "legal_hold".
	Erase(ctx context.Context, account, subject es.ID) (time.Time, error)
	// Subjects lists up to limit of an account's persons who have a key, after
	// one, in order.
	Subjects(ctx context.Context, account, after es.ID, limit int) ([]es.ID, error)
	// Unerased gives those of the receipts whose persons are not erased.
	Unerased(ctx context.Context, receipts []Receipt) ([]Receipt, error)
}

// Passwords forgets a user's password; infra/credentials does.
type Passwords interface {
	Delete(ctx context.Context, account, user es.ID) error
}

// Sessions ends all of a user's sessions; infra/credentials does.
type Sessions interface {
	RevokeAll(ctx context.Context, account, user es.ID, reason string) (int64, error)
}

// Receipts keeps what was erased where no backup of the database reaches;
// infra/erasures does.
type Receipts interface {
	// Add returns once the receipt is durable. One of the same person again
	// changes nothing.
	Add(ctx context.Context, r Receipt) error
	// All lists the receipts, the oldest first.
	All(ctx context.Context) ([]Receipt, error)
}

// Erasure destroys what is personal about people. Every step may be repeated.
type Erasure struct {
	Keys      Keys
	Passwords Passwords
	Sessions  Sessions
	Receipts  Receipts
}

// Person erases whom the purged aggregate is about.
func (e Erasure) Person(ctx context.Context, p Purge) error {
	return e.erase(ctx, p.Stream.Account, p.Stream.ID, p.Event)
}

// Account erases everybody of the purged account, and the key that its stored
// answers are kept under.
func (e Erasure) Account(ctx context.Context, p Purge) error {
	account := p.Stream.Account
	for after := (es.ID{}); ; {
		subjects, err := e.Keys.Subjects(ctx, account, after, 100)
		if err != nil {
			return err
		}
		for _, subject := range subjects {
			if err := e.erase(ctx, account, subject, p.Event); err != nil {
				return err
			}
			after = subject
		}
		if len(subjects) == 0 {
			return e.erase(ctx, account, account, p.Event)
		}
	}
}

func (e Erasure) erase(ctx context.Context, account, subject, event es.ID) error {
	at, err := e.Keys.Erase(ctx, account, subject)
	if err != nil {
		return err
	}
	if err := e.forget(ctx, account, subject); err != nil {
		return err
	}
	return e.Receipts.Add(ctx, Receipt{Account: account, Subject: subject, ErasedAt: at, Event: event})
}

// forget ends every way in which the person could log in.
func (e Erasure) forget(ctx context.Context, account, subject es.ID) error {
	if err := e.Passwords.Delete(ctx, account, subject); err != nil {
		return err
	}
	_, err := e.Sessions.RevokeAll(ctx, account, subject, "erased")
	return err
}

// Reapply erases again whom the receipts name and the database does not know as
// erased, because it was restored from a backup: before anything is served from
// it. It says how many it erased, and how many a legal hold keeps: those are
// left to the next time.
func (e Erasure) Reapply(ctx context.Context) (erased, held int, err error) {
	receipts, err := e.Receipts.All(ctx)
	if err != nil {
		return 0, 0, err
	}
	const chunk = 1000
	for ; len(receipts) > 0; receipts = receipts[min(chunk, len(receipts)):] {
		again, err := e.Keys.Unerased(ctx, receipts[:min(chunk, len(receipts))])
		if err != nil {
			return erased, held, err
		}
		for _, r := range again {
			switch _, err := e.Keys.Erase(ctx, r.Account, r.Subject); {
			case isHeld(err):
				held++
				continue
			case err != nil:
				return erased, held, err
			}
			if err := e.forget(ctx, r.Account, r.Subject); err != nil {
				return erased, held, fmt.Errorf("erasing subject %s again: %w", r.Subject, err)
			}
			erased++
		}
	}
	return erased, held, nil
}
