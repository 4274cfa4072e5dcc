package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

// Claims looks up who holds a unique claim, as the role igny8_login,
// igny8_appender or igny8_platform.
type Claims struct{ pool *pgxpool.Pool }

// NewClaims looks up through a pool of one of those roles.
func NewClaims(pool *pgxpool.Pool) *Claims { return &Claims{pool: pool} }

// ClaimHolder is the stream that holds a unique claim; ok is false when nobody
// does.
func (c *Claims) ClaimHolder(ctx context.Context, scope string, key []byte) (holder es.StreamID, ok bool, err error) {
	if key == nil {
		key = []byte{}
	}
	err = c.pool.QueryRow(ctx, "SELECT account_id, kind, stream_id FROM unique_claims WHERE scope = $1 AND key = $2", scope, key).
		Scan(&holder.Account, &holder.Kind, &holder.ID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return es.StreamID{}, false, nil
	case err != nil:
		return es.StreamID{}, false, fmt.Errorf("look up who holds a claim in %s: %w", scope, err)
	default:
		return holder, true, nil
	}
}
