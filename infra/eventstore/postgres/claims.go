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

// Holders gives the streams that hold the keys in a scope, by key, in one round
// trip; keys that nobody holds are left out.
func (c *Claims) Holders(ctx context.Context, scope string, keys []string) (map[string]es.StreamID, error) {
	raw := make([][]byte, len(keys))
	for i, key := range keys {
		raw[i] = []byte(key)
	}
	rows, err := c.pool.Query(ctx, "SELECT key, account_id, kind, stream_id FROM unique_claims WHERE scope = $1 AND key = ANY ($2)", scope, raw)
	if err != nil {
		return nil, fmt.Errorf("look up who holds claims in %s: %w", scope, err)
	}
	holders := make(map[string]es.StreamID, len(keys))
	var (
		key    []byte
		holder es.StreamID
	)
	_, err = pgx.ForEachRow(rows, []any{&key, &holder.Account, &holder.Kind, &holder.ID}, func() error {
		holders[string(key)] = holder
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up who holds claims in %s: %w", scope, err)
	}
	return holders, nil
}
