package tenancy

import (
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// LegalHold keeps everything of an account from being purged or erased, for as
// long as it is in force.
type LegalHold struct {
	Reason   string
	PlacedAt time.Time
}

// LegalHoldPlaced says that nothing of the account may be purged or erased from
// now on, whatever its retention. The migration that guards purges knows its
// name.
type LegalHoldPlaced struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// EventType is the stored name.
func (LegalHoldPlaced) EventType() string { return "tenancy.account.legal_hold_placed.v1" }

// LegalHoldLifted says that retention goes on as if there had been no hold.
type LegalHoldLifted struct {
	Reason string `json:"reason"`
}

// EventType is the stored name.
func (LegalHoldLifted) EventType() string { return "tenancy.account.legal_hold_lifted.v1" }

// PlaceLegalHold decides to hold the account, which may be deleted already.
// While a hold is in force another records nothing.
func (a Account) PlaceLegalHold(env es.Env, reason string) ([]es.Event, error) {
	reason, err := holdReason(reason)
	if err != nil || a.Hold != nil {
		return nil, err
	}
	return []es.Event{LegalHoldPlaced{Reason: reason, At: env.Now}}, nil
}

// LiftLegalHold decides to end the hold. Where there is none it records nothing.
func (a Account) LiftLegalHold(reason string) ([]es.Event, error) {
	reason, err := holdReason(reason)
	if err != nil || a.Hold == nil {
		return nil, err
	}
	return []es.Event{LegalHoldLifted{Reason: reason}}, nil
}

func holdReason(reason string) (string, error) {
	faults := es.Faults{}
	reason = text.Field(faults, "reason", reason, 1, 500)
	return reason, faults.Err()
}
