package projections

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// Difference is a row that only one of the live and the rebuilt table has.
type Difference struct {
	Key   Key
	Table string
	Side  string // "live" or "rebuilt"
	Row   string // as JSON
}

// maxDifferences is how many differences of a table Compare names.
const maxDifferences = 20

// Compare rebuilds the named projections, or all, beside the live ones and
// compares them row by row at the same position; the live ones stay, and stand
// still while rows are compared. It names up to 20 differences a table. Rows of
// accounts that are parked are left out.
func (a *Admin) Compare(ctx context.Context, names []string, report func(Progress)) ([]Difference, error) {
	chosen, err := a.named(names)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, p := range chosen {
		err := a.build(ctx, p, report, func(b *build) error {
			found, err := b.compare(ctx)
			all = append(all, found...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", p.Key(), err)
		}
	}
	return all, nil
}

func (b *build) compare(ctx context.Context) (all []Difference, err error) {
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	var tables []string
	err = b.in(ctx, b.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `GRANT USAGE ON SCHEMA `+b.schema+` TO igny8_projector`); err != nil {
			return err
		}
		tables, err = b.secure(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, b.admin.Projector)
	if err != nil {
		return nil, err
	}
	defer disconnect(ctx, conn)
	err = b.in(ctx, conn, func(tx pgx.Tx) error {
		through, err := b.goal(ctx, tx, " FOR UPDATE")
		if err != nil {
			return err
		}
		for b.position < through {
			if err := b.apply(ctx, tx, through); err != nil {
				return err
			}
		}
		b.tell(Comparing, b.position, b.position)
		parked, err := parkedAccounts(ctx, tx, b.key)
		if err != nil {
			return err
		}
		for _, table := range tables {
			found, err := b.differences(ctx, tx, table, parked)
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return nil
	})
	return all, err
}

func (b *build) differences(ctx context.Context, tx pgx.Tx, table string, parked map[es.ID]bool) ([]Difference, error) {
	without := make([]es.ID, 0, len(parked)+len(b.faults))
	for account := range parked {
		without = append(without, account)
	}
	for account := range b.faults {
		without = append(without, account)
	}
	live, scratch := pgx.Identifier{liveSchema, table}.Sanitize(), pgx.Identifier{b.schema, table}.Sanitize()
	side := `SELECT '%s' AS side, to_jsonb(d)::text FROM (SELECT * FROM %s EXCEPT ALL SELECT * FROM %s) d WHERE account_id <> ALL ($1::uuid[])`
	rows, err := tx.Query(ctx, fmt.Sprintf(side+` UNION ALL `+side+` LIMIT %d`, "live", live, scratch, "rebuilt", scratch, live, maxDifferences), without)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Difference, error) {
		d := Difference{Key: b.key, Table: table}
		return d, row.Scan(&d.Side, &d.Row)
	})
}
