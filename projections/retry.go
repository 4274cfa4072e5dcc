package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// Retry applies the waiting events of a parked account to a projection, and
// hands the account back to the live feed under the checkpoint's lock, so that
// no event is left out or applied twice. An event that fails again keeps the
// account parked there, and its error comes back. Errors: es.NotFound for an
// unknown projection. An account that is not parked is left as it is.
func (a *Admin) Retry(ctx context.Context, name string, account es.ID) error {
	found, err := a.named([]string{name})
	if err != nil {
		return err
	}
	conn, err := connect(ctx, a.Projector)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	r := retry{admin: a, projection: found[0], key: found[0].Key(), account: account, conn: conn}
	for done := false; !done; {
		if done, err = r.step(ctx, false); err != nil {
			return r.note(ctx, err)
		}
	}
	for done := false; !done; {
		if done, err = r.step(ctx, true); err != nil {
			return r.note(ctx, err)
		}
	}
	return nil
}

type retry struct {
	admin      *Admin
	projection Projection
	key        Key
	account    es.ID
	conn       *pgx.Conn
}

// step applies the next batch of waiting events. It is done when none waits up
// to the checkpoint. With handOver the checkpoint stands still meanwhile, and
// done ends the parking.
func (r *retry) step(ctx context.Context, handOver bool) (done bool, err error) {
	err = pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		through, err := r.checkpoint(ctx, tx, handOver)
		if err != nil {
			return err
		}
		var from int64
		err = tx.QueryRow(ctx, `SELECT position FROM projection_parked
			WHERE account_id = $1 AND name = $2 AND version = $3 FOR UPDATE`, r.account, r.key.Name, r.key.Version).Scan(&from)
		if errors.Is(err, pgx.ErrNoRows) {
			done = true
			return nil
		} else if err != nil {
			return err
		}
		next, err := r.apply(ctx, tx, from, through)
		if err != nil {
			return err
		}
		if done = next > through; done && handOver {
			return r.end(ctx, tx)
		}
		_, err = tx.Exec(ctx, `UPDATE projection_parked SET position = $4
			WHERE account_id = $1 AND name = $2 AND version = $3`, r.account, r.key.Name, r.key.Version, next)
		return err
	})
	return done, err
}

func (r *retry) checkpoint(ctx context.Context, tx pgx.Tx, lock bool) (position int64, err error) {
	query := `SELECT position FROM projection_checkpoints WHERE name = $1 AND version = $2`
	if lock {
		query += ` FOR UPDATE`
	}
	err = tx.QueryRow(ctx, query, r.key.Name, r.key.Version).Scan(&position)
	return position, err
}

// apply takes one page from a position on, as far as the checkpoint is, and
// gives the position to go on from.
func (r *retry) apply(ctx context.Context, tx pgx.Tx, from, through int64) (next int64, err error) {
	if from > through {
		return from, nil
	}
	filter := filterOf(r.projection)
	filter.Account = r.account
	p, err := readPage(ctx, r.admin.Log, r.admin.Registry, filter, from-1)
	if err != nil {
		return 0, err
	}
	events := upTo(newSelector(r.projection).of(p.events, from-1, nil), through)
	whole := len(events)
	for len(events) > 0 {
		err := attempt(ctx, r.projection, tx, events)
		switch {
		case err == nil && len(events) == whole:
			return min(p.through, through) + 1, nil
		case err == nil:
			return events[len(events)-1].Position + 1, nil
		case len(events) == 1 || systemic(err, tx.Conn()):
			return 0, err
		}
		events = events[:len(events)/2]
	}
	return min(p.through, through) + 1, nil
}

// end gives the account back: whoever feeds the projection is fenced and loads
// anew who is parked.
func (r *retry) end(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM projection_parked WHERE account_id = $1 AND name = $2 AND version = $3`,
		r.account, r.key.Name, r.key.Version)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE projection_checkpoints SET epoch = epoch + 1 WHERE name = $1 AND version = $2`, r.key.Name, r.key.Version)
	return err
}

// note keeps what went wrong with the parked account.
func (r *retry) note(ctx context.Context, cause error) error {
	if !systemic(cause, r.conn) {
		_, err := r.conn.Exec(ctx, `UPDATE projection_parked SET error = $4, attempts = attempts + 1
			WHERE account_id = $1 AND name = $2 AND version = $3`, r.account, r.key.Name, r.key.Version, cause.Error())
		cause = errors.Join(cause, err)
	}
	return fmt.Errorf("retry account %s in %s: %w", r.account, r.key, cause)
}
