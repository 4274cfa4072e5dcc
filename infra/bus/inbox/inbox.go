// Package inbox makes an effect in the database happen once for each event,
// however often the event comes: one transaction writes that the event was
// handled, and the effect.
package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
)

// Inbox is safe for concurrent use, in any number of processes.
type Inbox struct{ pool *pgxpool.Pool }

// New works over a pool of the role igny8_projector or igny8_appender: the one
// that may write the effects.
func New(pool *pgxpool.Pool) *Inbox { return &Inbox{pool} }

// Once calls effect in a transaction, unless the consumer's effect of this event
// was committed before; then it does nothing. Of concurrent callers one does it
// and the others wait for it. An error of effect rolls everything back, so that
// the next call tries again.
//
// A consumer is a group's name, or "<group>/<what>" where a group has several
// effects in one event. Errors: es.Unavailable when the database is not there
// (the effect may have been committed: call again); else what effect said.
func (i *Inbox) Once(ctx context.Context, consumer string, rec es.Recorded, effect func(ctx context.Context, tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, i.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO bus_inbox (account_id, consumer, event_id, position) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, rec.Stream.Account, consumer, rec.ID, rec.Position)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return effect(ctx, tx)
	})
	switch {
	case err == nil:
		return nil
	case postgres.IsUnavailable(err):
		return &es.Error{
			Class: es.Unavailable, Message: "The database does not answer.",
			Err: fmt.Errorf("%s upon event %s: %w", consumer, rec.ID, err),
		}
	default:
		return fmt.Errorf("%s upon event %s: %w", consumer, rec.ID, err)
	}
}

// KeepFor is how long a row outlives its group's passing of the event: longer
// than any process stays frozen with the event in its hands.
const KeepFor = time.Hour

// Prune deletes up to limit rows of events that their group has passed in every
// partition, was done with KeepFor ago, and does not keep as a dead letter. Rows
// of a consumer that is no group stay. It says how many it deleted; call it again
// while that is limit.
func (i *Inbox) Prune(ctx context.Context, limit int) (int64, error) {
	tag, err := i.pool.Exec(ctx, `
		WITH passed AS (SELECT group_name, min(position) AS position FROM bus_partitions GROUP BY group_name)
		DELETE FROM bus_inbox WHERE ctid = ANY (ARRAY(
			SELECT i.ctid FROM bus_inbox i JOIN passed p ON p.group_name = split_part(i.consumer, '/', 1)
			WHERE i.handled_at < now() - $1::interval AND i.position <= p.position
			AND NOT EXISTS (SELECT FROM bus_dead_letters d
				WHERE d.account_id = i.account_id AND d.group_name = p.group_name AND d.event_id = i.event_id AND d.state <> 'replayed')
			ORDER BY i.handled_at LIMIT $2 FOR UPDATE OF i SKIP LOCKED))`, KeepFor, limit)
	if err != nil {
		return 0, fmt.Errorf("pruning the inbox: %w", err)
	}
	return tag.RowsAffected(), nil
}
