// Package snapshots keeps the states of long streams in Postgres, so that their
// events need not be read anew. A purge of a stream takes its snapshot away in
// the same transaction, whoever asks for it.
package snapshots

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

var _ commands.Snapshots = (*Store)(nil)

// Store keeps snapshots as the role igny8_appender. It is safe for concurrent
// use.
type Store struct{ pool *pgxpool.Pool }

// New keeps snapshots through a pool of the role igny8_appender.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Snapshot is the one that is kept of a stream; ok is false without one.
func (s *Store) Snapshot(ctx context.Context, stream es.StreamID) (kept commands.Snapshot, ok bool, err error) {
	kept.Stream = stream
	err = s.pool.QueryRow(ctx, "SELECT version, revision, data FROM snapshots WHERE account_id = $1 AND kind = $2 AND stream_id = $3",
		stream.Account, stream.Kind, stream.ID).Scan(&kept.Version, &kept.Revision, &kept.Data)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return commands.Snapshot{}, false, nil
	case err != nil:
		return commands.Snapshot{}, false, fmt.Errorf("read the snapshot of %s: %w", stream, err)
	default:
		return kept, true, nil
	}
}

// KeepSnapshot replaces the stream's, unless the kept one is of the same version
// and not older, or the stream was purged.
func (s *Store) KeepSnapshot(ctx context.Context, taken commands.Snapshot) error {
	_, err := s.pool.Exec(ctx, "SELECT keep_snapshot($1, $2, $3, $4, $5, $6)",
		taken.Stream.Account, taken.Stream.Kind, taken.Stream.ID, taken.Version, taken.Revision, taken.Data)
	if err != nil {
		return fmt.Errorf("keep the snapshot of %s: %w", taken.Stream, err)
	}
	return nil
}
