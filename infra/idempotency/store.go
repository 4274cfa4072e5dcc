// Package idempotency remembers which command an Idempotency-Key stands for,
// and its answer, in the table idempotency_keys. It implements
// commands.Idempotency.
package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// keep is how long a key stands for its command.
const keep = 24 * time.Hour

// Sealer encrypts stored answers under the account's own key, so that they go
// with the account, also from backups. infra/vault is one.
type Sealer interface {
	SealBytes(ctx context.Context, account, subject es.ID, purpose string, data []byte) ([]byte, error)
	OpenBytes(ctx context.Context, account, subject es.ID, purpose string, sealed []byte) ([]byte, error)
}

// Store is the table. It is safe for concurrent use, also by many processes.
type Store struct {
	pool   *pgxpool.Pool
	sealer Sealer
}

// New makes a store over a pool of the role igny8_login.
func New(pool *pgxpool.Pool, sealer Sealer) *Store { return &Store{pool: pool, sealer: sealer} }

const setAccount = `SELECT set_config('app.account_id', $1, true)`

// reserve gives a row only to who may go on: the first, or the first after a
// holder's lease ended, who inherits the command id. A row past its time counts
// as not there.
const reserve = `INSERT INTO idempotency_keys AS k
	(account_id, principal, key, fingerprint, command_id, lease_until, expires_at)
	VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6), clock_timestamp() + make_interval(secs => $7))
ON CONFLICT (account_id, principal, key) DO UPDATE SET
	fingerprint = excluded.fingerprint,
	command_id = CASE WHEN k.expires_at <= clock_timestamp() THEN excluded.command_id ELSE k.command_id END,
	attempts = CASE WHEN k.expires_at <= clock_timestamp() THEN 1 ELSE k.attempts + 1 END,
	lease_until = excluded.lease_until, expires_at = excluded.expires_at,
	status = NULL, header = NULL, body = NULL
WHERE k.expires_at <= clock_timestamp()
	OR k.status IS NULL AND k.lease_until <= clock_timestamp() AND k.fingerprint = excluded.fingerprint
RETURNING command_id`

const look = `SELECT fingerprint = $4, coalesce(status, 0), header, body FROM idempotency_keys
	WHERE account_id = $1 AND principal = $2 AND key = $3`

// Reserve binds the key to the command, in one round trip. Of concurrent
// callers exactly one is told Reserved; once its lease has passed without an
// answer, the next one is, with the same command id.
func (s *Store) Reserve(ctx context.Context, k commands.IdempotencyKey, fingerprint []byte, command es.ID, lease time.Duration) (commands.Reservation, error) {
	for {
		r, found, err := s.reserve(ctx, k, fingerprint, command, lease)
		if err != nil {
			return commands.Reservation{}, fmt.Errorf("reserving an idempotency key: %w", err)
		}
		if found {
			return r, nil
		}
		// It was released between the two statements: the next try gets it.
	}
}

func (s *Store) reserve(ctx context.Context, k commands.IdempotencyKey, fingerprint []byte, command es.ID, lease time.Duration) (r commands.Reservation, found bool, err error) {
	var batch pgx.Batch
	batch.Queue(setAccount, k.Account.String())
	batch.Queue(reserve, k.Account, k.Principal, k.Key, fingerprint, command, lease.Seconds(), keep.Seconds())
	batch.Queue(look, k.Account, k.Principal, k.Key, fingerprint)
	results := s.pool.SendBatch(ctx, &batch)
	defer results.Close() //nolint:errcheck // errors of its statements come back below.
	if _, err := results.Exec(); err != nil {
		return r, false, err
	}
	err = results.QueryRow().Scan(&r.Command)
	reserved := err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, false, err
	}
	var same bool
	var header, body []byte
	err = results.QueryRow().Scan(&same, &r.Answer.Status, &header, &body)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, false, err
	}
	found = err == nil
	if err := results.Close(); err != nil {
		return r, false, err
	}
	switch {
	case reserved:
		return commands.Reservation{State: commands.Reserved, Command: r.Command}, true, nil
	case !found:
		return r, false, nil
	case !same:
		return commands.Reservation{State: commands.Mismatched}, true, nil
	case r.Answer.Status == 0:
		return commands.Reservation{State: commands.InFlight}, true, nil
	}
	r.State = commands.Answered
	if err := json.Unmarshal(header, &r.Answer.Header); err != nil {
		return r, false, err
	}
	if body != nil {
		r.Answer.Body, err = s.sealer.OpenBytes(ctx, k.Account, k.Account, purpose(k), body)
	}
	return r, true, err
}

// Complete keeps the answer of the command for 24 hours. Only the first answer
// is kept; without a reservation for the command nothing is.
func (s *Store) Complete(ctx context.Context, k commands.IdempotencyKey, command es.ID, answer commands.Answer) error {
	body, err := s.sealer.SealBytes(ctx, k.Account, k.Account, purpose(k), answer.Body)
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	header, err := json.Marshal(answer.Header)
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	var batch pgx.Batch
	batch.Queue(setAccount, k.Account.String())
	batch.Queue(`UPDATE idempotency_keys SET status = $5, header = $6, body = $7, expires_at = clock_timestamp() + make_interval(secs => $8)
		WHERE account_id = $1 AND principal = $2 AND key = $3 AND command_id = $4 AND status IS NULL`,
		k.Account, k.Principal, k.Key, command, answer.Status, header, body, keep.Seconds())
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return nil
}

// Release forgets a reservation whose command did nothing. If another request
// ever took it over, that one may still be at work: then only the lease ends,
// and whoever comes next has the same command id again.
func (s *Store) Release(ctx context.Context, k commands.IdempotencyKey, command es.ID) error {
	const mine = `account_id = $1 AND principal = $2 AND key = $3 AND command_id = $4 AND status IS NULL`
	args := []any{k.Account, k.Principal, k.Key, command}
	var batch pgx.Batch
	batch.Queue(setAccount, k.Account.String())
	batch.Queue(`DELETE FROM idempotency_keys WHERE attempts = 1 AND `+mine, args...)
	batch.Queue(`UPDATE idempotency_keys SET lease_until = clock_timestamp() WHERE attempts > 1 AND `+mine, args...)
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("releasing an idempotency key: %w", err)
	}
	return nil
}

// DeleteExpired removes up to limit keys past their time, of all accounts, and
// says how many. Call it again while it gives limit.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE (account_id, principal, key) IN (
		SELECT account_id, principal, key FROM idempotency_keys WHERE expires_at <= now() ORDER BY expires_at LIMIT $1)
		AND expires_at <= now()`, limit)
	if err != nil {
		return 0, fmt.Errorf("deleting expired idempotency keys: %w", err)
	}
	return tag.RowsAffected(), nil
}

// purpose binds an answer to its key, so that it opens nowhere else.
func purpose(k commands.IdempotencyKey) string {
	return fmt.Sprintf("answer %d:%s%s", len(k.Principal), k.Principal, k.Key)
}
