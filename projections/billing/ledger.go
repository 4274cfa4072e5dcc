package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// LedgerTable is the table of ledgers. It shows no kind and fold: no write
// answers its row, as a ledger's snapshots hold none.
type LedgerTable struct{ projections.Loader }

// Ledgers is the table of ledgers: one row in each account.
func Ledgers() LedgerTable {
	return LedgerTable{table.New(table.Spec[Ledger]{
		Name: "billing_ledgers", Version: 1, Kind: billing.LedgerKind, Evolve: evolveLedger,
	})}
}

// Ledger is an account's credits as its last event left them. What has come due
// since is not in it; the ledger itself knows.
type Ledger struct {
	table.Base
	Plan      string `db:"plan" json:"plan"`
	Available int64  `db:"available" json:"available"`
	Reserved  int64  `db:"reserved" json:"reserved"`
	// Pending belongs to grants that take effect later.
	Pending int64 `db:"pending" json:"pending"`
	// Granted, Committed and Expired are sums over the ledger's life.
	Granted   int64      `db:"granted" json:"granted"`
	Committed int64      `db:"committed" json:"committed"`
	Expired   int64      `db:"expired" json:"expired"`
	NextDueAt *time.Time `db:"next_due_at" json:"next_due_at"`
}

func evolveLedger(row *Ledger, e es.Event) {
	if opened, ok := e.(billing.LedgerOpened); ok {
		row.Plan = opened.Plan
		return
	}
	c := changeOf(e)
	row.Available, row.Reserved, row.Pending = c.Balance.Available, c.Balance.Reserved, c.Balance.Pending
	row.NextDueAt = nil
	if at := c.Balance.NextDue; at != nil {
		due := *at
		row.NextDueAt = &due
	}
	row.Granted += c.granted
	row.Committed += c.committed
	row.Expired += c.expired
}

// Dues finds ledgers in which something is due. It implements the port of
// commands/billing.
type Dues struct{ pool *pgxpool.Pool }

// NewDues looks over all accounts, with the pool of the role igny8_projector.
func NewDues(pool *pgxpool.Pool) Dues { return Dues{pool} }

// Due lists up to limit accounts in whose ledgers something expires at now or
// before, in the order of their ids, after one. It may lag behind the ledgers.
func (d Dues) Due(ctx context.Context, now time.Time, after es.ID, limit int) ([]es.ID, error) {
	rows, err := d.pool.Query(ctx, `SELECT account_id FROM `+Ledgers().Key().Table()+`
		WHERE next_due_at <= $1 AND account_id > $2 ORDER BY account_id LIMIT $3`, now, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing ledgers in which something is due: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[es.ID])
	if err != nil {
		return nil, fmt.Errorf("listing ledgers in which something is due: %w", err)
	}
	return accounts, nil
}
