package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
)

// ServiceKey is a random key of 32 bytes of the product's own, which is kept
// wrapped and survives rotations of the master key.
type ServiceKey struct {
	ID        string
	Key       []byte
	CreatedAt time.Time
}

// ServiceKeys lists the keys of a purpose, the oldest first.
func (v *Vault) ServiceKeys(ctx context.Context, purpose string) ([]ServiceKey, error) {
	rows, err := v.pool.Query(ctx,
		`SELECT id, master, wrapped, created_at FROM service_keys WHERE purpose = $1 ORDER BY created_at, id`, purpose)
	if err != nil {
		return nil, fmt.Errorf("reading the keys for %s: %w", purpose, err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k ServiceKey, err error) {
		var master string
		var wrapped []byte
		if err := row.Scan(&k.ID, &master, &wrapped, &k.CreatedAt); err != nil {
			return k, err
		}
		k.Key, err = v.master.Unwrap(master, wrapped, servicePurpose(purpose, k.ID))
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the keys for %s: %w", purpose, err)
	}
	return keys, nil
}

// RenewServiceKey adds a key to a purpose unless its newest one is younger than
// every, and drops those older than keep (0 drops none). Of several processes
// that do it at once one adds. It returns the keys there are then, at least one.
func (v *Vault) RenewServiceKey(ctx context.Context, purpose string, every, keep time.Duration) ([]ServiceKey, error) {
	id := es.ID(randomKey()[:16]).String()
	master, wrapped := v.master.Wrap(randomKey(), servicePurpose(purpose, id))
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('service key ' || $1, 0))`, purpose); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO service_keys (purpose, id, master, wrapped)
			SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
				SELECT FROM service_keys WHERE purpose = $1 AND created_at > now() - make_interval(secs => $5))`,
			purpose, id, master, wrapped, every.Seconds()); err != nil {
			return err
		}
		if keep == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, `DELETE FROM service_keys WHERE purpose = $1 AND created_at <= now() - make_interval(secs => $2)`,
			purpose, keep.Seconds())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renewing the key for %s: %w", purpose, err)
	}
	return v.ServiceKeys(ctx, purpose)
}

// LastingKey is the key of a purpose that has one for ever; the first call
// makes it, in whichever process.
func (v *Vault) LastingKey(ctx context.Context, purpose string) ([]byte, error) {
	if key, ok := v.service.Load(purpose); ok {
		kept, _ := key.([]byte)
		return kept, nil
	}
	keys, err := v.ServiceKeys(ctx, purpose)
	if err == nil && len(keys) == 0 {
		keys, err = v.RenewServiceKey(ctx, purpose, for100Years, 0)
	}
	if err != nil {
		return nil, err
	}
	v.service.Store(purpose, keys[0].Key)
	return keys[0].Key, nil
}

const for100Years = 100 * 365 * 24 * time.Hour

// ClaimKey is the HMAC-SHA256 of a normalised personal value in a scope, under
// a lasting key: claims stay comparable for ever, and the values cannot be
// guessed from a copy of the database.
func (v *Vault) ClaimKey(ctx context.Context, scope, value string) ([]byte, error) {
	key, err := v.LastingKey(ctx, "claims")
	if err != nil {
		return nil, fmt.Errorf("claim key: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(fmt.Appendf(nil, "%d:%s%s", len(scope), scope, value))
	return mac.Sum(nil), nil
}

func servicePurpose(purpose, id string) []byte {
	return fmt.Appendf(nil, "service key %s %s", purpose, id)
}
