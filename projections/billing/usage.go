package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// Usage is what was charged for an operation: how often, how many units, and
// credits.
type Usage struct {
	Operation string `json:"operation"`
	Count     int64  `json:"count"`
	Units     int64  `json:"units"`
	Credits   int64  `json:"credits"`
}

// UsageProjection is what UsageOf reads: sums for each operation and day, in
// UTC, of when the charge was recorded.
func UsageProjection() projections.SQL {
	return projections.SQL{
		Name: "billing_usage", Version: 1, Types: []string{billing.CreditsCommitted{}.EventType()},
		DDL: `CREATE TABLE billing_usage_v1 (
	account_id uuid NOT NULL,
	day date NOT NULL,
	operation text COLLATE "C" NOT NULL,
	count bigint NOT NULL,
	units bigint NOT NULL,
	credits bigint NOT NULL,
	PRIMARY KEY (account_id, day, operation)
)`,
		Func: countUsage,
	}
}

type usageKey struct {
	account   es.ID
	day       time.Time
	operation string
}

func countUsage(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	sums := map[usageKey]Usage{}
	for _, e := range events {
		c, ok := e.Event.(billing.CreditsCommitted)
		if !ok {
			continue
		}
		key := usageKey{e.Stream.Account, e.RecordedAt.UTC().Truncate(24 * time.Hour), c.Operation}
		u := sums[key]
		u.Count, u.Units, u.Credits = u.Count+1, u.Units+c.Units, u.Credits+c.Credits
		sums[key] = u
	}
	var accounts []es.ID
	var days []time.Time
	var operations []string
	var counts, units, credits []int64
	for key, u := range sums {
		accounts, days, operations = append(accounts, key.account), append(days, key.day), append(operations, key.operation)
		counts, units, credits = append(counts, u.Count), append(units, u.Units), append(credits, u.Credits)
	}
	_, err := tx.Exec(ctx, `INSERT INTO billing_usage_v1 AS u (account_id, day, operation, count, units, credits)
		SELECT * FROM unnest($1::uuid[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
		ON CONFLICT (account_id, day, operation) DO UPDATE SET count = u.count + excluded.count,
			units = u.units + excluded.units, credits = u.credits + excluded.credits`,
		accounts, days, operations, counts, units, credits)
	if err != nil {
		return fmt.Errorf("counting usage: %w", err)
	}
	return nil
}

// Days is a range of days in UTC, both included; a zero one is open.
type Days struct{ From, To time.Time }

// UsageOf sums up what an account was charged for each operation, the dearest
// first, and gives the position that it is true for. read says for whom and how
// fresh. Errors: es.Unavailable as projections.Reader.Query.
func UsageOf(ctx context.Context, r *projections.Reader, read projections.Read, days Days) ([]Usage, int64, error) {
	read.Uses = []projections.Key{UsageProjection().Key()}
	usage := []Usage{}
	position, err := r.Query(ctx, read, `SELECT operation, sum(count)::bigint AS count, sum(units)::bigint AS units, sum(credits)::bigint AS credits
		FROM billing_usage_v1 WHERE account_id = $1 AND day >= coalesce($2::date, '-infinity') AND day <= coalesce($3::date, 'infinity')
		GROUP BY operation ORDER BY sum(credits) DESC, operation`,
		[]any{read.Account, some(days.From), some(days.To)},
		func(rows pgx.Rows) error {
			var u Usage
			targets := make([]any, len(rows.RawValues()))
			copy(targets[projections.FirstColumn:], []any{&u.Operation, &u.Count, &u.Units, &u.Credits})
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			usage = append(usage, u)
			return nil
		})
	if err != nil {
		return nil, 0, fmt.Errorf("summing up usage: %w", err)
	}
	return usage, position, nil
}
