package billing

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// TransactionTable is the table of ledgers' entries. Its rows are events, not
// aggregates: each is given to the table as a stream of its own.
type TransactionTable struct{ entries }

// entries are what a table has but its kind and fold: no write answers an entry.
type entries interface {
	projections.Loader
	Columns() []table.Column
	Parse(values url.Values) (table.Query, error)
	List(ctx context.Context, r *projections.Reader, scope table.Scope, q table.Query) (table.Page[Transaction], error)
	Get(ctx context.Context, r *projections.Reader, scope table.Scope, id es.ID, q table.Query) (Transaction, int64, error)
	Open(ctx context.Context, o projections.Opener, account es.ID, rows ...*Transaction) error
}

// Transactions is the table of ledgers' entries.
func Transactions() TransactionTable {
	return TransactionTable{table.New(table.Spec[Transaction]{
		Name: "billing_transactions", Version: 1, Kind: billing.LedgerKind, Evolve: evolveTransaction,
	})}
}

// Transaction is one entry of an account's ledger; its id is the event's.
// Amount sums up to BalanceAfter, ReservedAmount to ReservedAfter.
type Transaction struct {
	table.Base
	// Kind is granted, reserved, committed, released, reservation_expired or
	// grant_expired.
	Kind string `db:"kind" json:"kind" filter:"eq,in"`
	// Amount is the signed change of all that the account holds, reserved
	// credits among it: what was charged is negative.
	Amount int64 `db:"amount" json:"amount" filter:"gte,lte"`
	// ReservedAmount is the signed change of what is reserved.
	ReservedAmount int64 `db:"reserved_amount" json:"reserved_amount"`
	// Charged is what was paid for work: of Amount, the part that did not lapse.
	Charged        int64 `db:"charged" json:"charged"`
	BalanceAfter   int64 `db:"balance_after" json:"balance_after"`
	ReservedAfter  int64 `db:"reserved_after" json:"reserved_after"`
	AvailableAfter int64 `db:"available_after" json:"available_after"`

	Operation     *string `db:"operation" json:"operation" filter:"eq,in"`
	Units         *int64  `db:"units" json:"units"`
	ReservationID *es.ID  `db:"reservation_id" json:"reservation_id" filter:"eq"`
	JobID         *es.ID  `db:"job_id" json:"job_id" filter:"eq"`
	GrantID       *es.ID  `db:"grant_id" json:"grant_id" filter:"eq"`
	Pool          *string `db:"pool" json:"pool" filter:"eq"`
	Source        *string `db:"source" json:"source"`
	Actor         string  `db:"actor" json:"actor"`
	// RequestID and CorrelationID are those of the request that the work was
	// done for; an expiry has no other.
	RequestID     *string `db:"request_id" json:"request_id" filter:"eq"`
	CorrelationID *es.ID  `db:"correlation_id" json:"correlation_id" filter:"eq"`
	CausationID   *es.ID  `db:"causation_id" json:"causation_id"`
}

// entry is an event that the table takes as the only one of its stream, with
// the envelope that it really has.
type entry struct {
	es.Envelope
	event es.Event
}

// EventType is that of the event.
func (e entry) EventType() string { return e.event.EventType() }

// alone is the event as a stream of its own; false for one that moves nothing.
func alone(e projections.Decoded) (projections.Decoded, bool) {
	if e.Event == nil || changeOf(e.Event).kind == "" {
		return e, false
	}
	e.Event = entry{e.Envelope, e.Event}
	e.Stream.ID, e.Revision = e.ID, 1
	return e, true
}

// Apply makes a row of each event.
func (t TransactionTable) Apply(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	rows := make([]projections.Decoded, 0, len(events))
	for _, e := range events {
		if row, moves := alone(e); moves {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return t.entries.Apply(ctx, tx, rows)
}

// Load makes a row of each event, for a rebuild.
func (t TransactionTable) Load(ctx context.Context, tx pgx.Tx, next func() (projections.Decoded, bool, error)) error {
	return t.entries.Load(ctx, tx, func() (projections.Decoded, bool, error) {
		for {
			e, more, err := next()
			if err != nil || !more {
				return e, more, err
			}
			if row, moves := alone(e); moves {
				return row, true, nil
			}
		}
	})
}

func evolveTransaction(row *Transaction, event es.Event) {
	e, ok := event.(entry)
	if !ok {
		return
	}
	c := changeOf(e.event)
	row.Kind, row.Amount, row.ReservedAmount, row.Charged = c.kind, c.amount(), c.reserved, c.committed
	row.BalanceAfter, row.ReservedAfter, row.AvailableAfter = c.Balance.Total(), c.Balance.Reserved, c.Balance.Available
	row.Actor = e.Actor.String()
	row.RequestID, row.CorrelationID, row.CausationID = some(e.Request), some(e.Correlation), some(e.Causation)
	switch event := e.event.(type) {
	case billing.CreditsGranted:
		row.GrantID, row.Pool, row.Source = some(event.ID), some(string(event.Pool)), some(event.Source)
	case billing.CreditsReserved:
		row.of(event.ID, event.Work)
	case billing.CreditsCommitted:
		row.of(event.ReservationID, event.Work)
		row.Units = &event.Units
	case billing.CreditsReleased:
		row.of(event.ReservationID, event.Work)
	case billing.ReservationExpired:
		row.of(event.ReservationID, event.Work)
		row.RequestID, row.CorrelationID = some(event.Request), some(event.Correlation)
	case billing.GrantExpired:
		row.GrantID, row.Pool, row.Source = some(event.GrantID), some(string(event.Pool)), some(event.Source)
	}
}

func (t *Transaction) of(reservation es.ID, w billing.Work) {
	t.ReservationID, t.Operation, t.JobID, t.SiteID = some(reservation), some(w.Operation), some(w.Job), some(w.Site)
}

// some is nil for the zero value.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// History looks up what ledgers no longer remember. It implements the port of
// commands/billing.
type History struct{ reader *projections.Reader }

// NewHistory reads the table that Transactions makes.
func NewHistory(r *projections.Reader) History { return History{r} }

// Resolution is how a reservation ended, as of a position at least, and whether
// it did. Errors: es.Unavailable when the table does not reach the position in
// time.
func (h History) Resolution(ctx context.Context, account, reservation es.ID, atLeast int64) (billing.Resolution, bool, error) {
	key := Transactions().Key()
	read := projections.Read{Account: account, Uses: []projections.Key{key}, AtLeast: atLeast, Wait: projections.MaxWait}
	ends := map[string]billing.Resolved{"committed": billing.Committed, "released": billing.Released, "reservation_expired": billing.Expired}
	r, found := billing.Resolution{Reservation: reservation}, false
	_, err := h.reader.Query(ctx, read, `SELECT kind, charged FROM `+key.Table()+`
		WHERE account_id = $1 AND reservation_id = $2 AND kind <> 'reserved' LIMIT 1`, []any{account, reservation},
		func(rows pgx.Rows) error {
			var kind string
			targets := make([]any, len(rows.RawValues()))
			targets[projections.FirstColumn], targets[projections.FirstColumn+1] = &kind, &r.Credits
			err := rows.Scan(targets...)
			r.As, found = ends[kind], true
			return err
		})
	if err != nil {
		return r, false, fmt.Errorf("looking up reservation %s: %w", reservation, err)
	}
	return r, found, nil
}
