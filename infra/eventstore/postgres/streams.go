package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

var _ projections.Streams = (*Log)(nil)

// streamSettings are for a read that takes in everything: a sort in memory
// where it fits, and as long as it takes.
const streamSettings = `SET LOCAL work_mem = '64MB'; SET LOCAL statement_timeout = 0; SET LOCAL jit = off`

// EachByStream reads whole streams, one after another, as rows come in. See
// projections.Streams.
func (l *Log) EachByStream(ctx context.Context, filter es.Filter, through int64, each func(es.Recorded) error) error {
	var w where
	w.and("l.pos <= $%d", through)
	w.filter(filter)
	sql := "SELECT " + eventColumns + " FROM event_log l WHERE " + w.String() + " ORDER BY l.account_id, l.kind, l.stream_id, l.revision"
	err := pgx.BeginTxFunc(ctx, l.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, streamSettings); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql, w.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		return newDecoder().each(rows, each)
	})
	if err != nil {
		return fmt.Errorf("read streams through %d: %w", through, err)
	}
	return nil
}
