package credentials

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
)

// RefreshLifetime is how long a refresh token can be used; each use gives one
// with a new term.
const RefreshLifetime = 7 * 24 * time.Hour

// Tokens keeps refresh tokens: opaque, hashed, single use. All that follow from
// one login are a family, which is what people know as a session. It implements
// identity.RefreshTokens.
type Tokens struct{ pool *pgxpool.Pool }

// NewTokens keeps refresh tokens through a pool of the role igny8_login.
func NewTokens(pool *pgxpool.Pool) *Tokens { return &Tokens{pool: pool} }

// Session is one login of a user.
type Session struct {
	ID        es.ID
	CreatedAt time.Time
	UsedAt    time.Time // when a token of it was last issued
	ExpiresAt time.Time
}

var (
	errUnknown = es.Refuse(es.Unauthorized, "refresh_invalid", "The refresh token is not valid. Log in again.")
	errExpired = es.Refuse(es.Unauthorized, "refresh_expired", "The refresh token has expired. Log in again.")
	errReused  = es.Refuse(es.Unauthorized, "refresh_reused", "The refresh token was used before, so its session was ended. Log in again.")
)

// Issue begins a session. A repeat under the same command continues the same
// session with another token and uses up the one before, which its caller
// never saw.
func (t *Tokens) Issue(ctx context.Context, account, user, command es.ID) (identity.RefreshToken, error) {
	issued := identity.RefreshToken{Session: es.Derive(command, "session", 0), Account: account, User: user}
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO refresh_families AS f (account_id, id, user_id, expires_at)
			VALUES ($1, $2, $3, now()) ON CONFLICT (account_id, id) DO UPDATE SET used_at = now()`,
			account, issued.Session, user); err != nil {
			return err
		}
		return issue(ctx, tx, &issued, command)
	})
	if err != nil {
		return identity.RefreshToken{}, fmt.Errorf("issuing a refresh token: %w", err)
	}
	return issued, nil
}

// Rotate uses a token up and issues the next one of its session. A token that
// another command used up ends the session, because one of the two users is not
// who they say; the same command again is a retry whose answer was lost and
// gets a new token, as long as the one that it missed was never used. Errors
// are es.Unauthorized.
func (t *Tokens) Rotate(ctx context.Context, text string, command es.ID) (identity.RefreshToken, error) {
	var next identity.RefreshToken
	var refused error // told after the transaction, which keeps a revocation.
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		refused = nil
		found, err := lock(ctx, tx, text)
		if err != nil {
			return err
		}
		next = identity.RefreshToken{Session: found.session, Account: found.account, User: found.user}
		switch {
		case found.session == es.ID{} || found.revoked:
			refused = errUnknown
			return nil
		case found.used && found.usedBy != command:
			refused = errReused
			_, err := revoke(ctx, tx, found.account, found.session, "reuse")
			return err
		case found.used:
			if refused, err = missed(ctx, tx, found, command); err != nil || refused != nil {
				return err
			}
		case found.expired:
			refused = errExpired
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE refresh_tokens SET used_at = coalesce(used_at, now()), used_by = $2 WHERE hash = $1`,
			digest(text), command); err != nil {
			return err
		}
		return issue(ctx, tx, &next, command)
	})
	if err != nil {
		return identity.RefreshToken{}, fmt.Errorf("rotating a refresh token: %w", err)
	}
	if refused != nil {
		return identity.RefreshToken{}, refused
	}
	return next, nil
}

// Revoke ends a user's session, and says whether it was running. A session of
// another user or account is not found.
func (t *Tokens) Revoke(ctx context.Context, account, user, session es.ID, reason string) (bool, error) {
	tag, err := t.pool.Exec(ctx, `UPDATE refresh_families SET revoked_at = now(), reason = $4
		WHERE account_id = $1 AND user_id = $2 AND id = $3 AND revoked_at IS NULL`, account, user, session, reason)
	if err != nil {
		return false, fmt.Errorf("revoking a session: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// RevokeToken ends the session that a token belongs to, used up or not. A token
// that nobody issued changes nothing.
func (t *Tokens) RevokeToken(ctx context.Context, text, reason string) error {
	_, err := t.pool.Exec(ctx, `UPDATE refresh_families f SET revoked_at = now(), reason = $2 FROM refresh_tokens t
		WHERE t.hash = $1 AND f.account_id = t.account_id AND f.id = t.family_id AND f.revoked_at IS NULL`, digest(text), reason)
	if err != nil {
		return fmt.Errorf("revoking a session: %w", err)
	}
	return nil
}

// RevokeAll ends every session of a user and says how many were running.
func (t *Tokens) RevokeAll(ctx context.Context, account, user es.ID, reason string) (int64, error) {
	tag, err := t.pool.Exec(ctx, `UPDATE refresh_families SET revoked_at = now(), reason = $3
		WHERE account_id = $1 AND user_id = $2 AND revoked_at IS NULL`, account, user, reason)
	if err != nil {
		return 0, fmt.Errorf("revoking the sessions of a user: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Sessions lists a user's running sessions, the newest first.
func (t *Tokens) Sessions(ctx context.Context, account, user es.ID) ([]Session, error) {
	rows, err := t.pool.Query(ctx, `SELECT id, created_at, used_at, expires_at FROM refresh_families
		WHERE account_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > now() ORDER BY created_at DESC, id`, account, user)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	return sessions, nil
}

// DeleteExpired removes up to limit sessions that ended a week ago or longer,
// with their tokens, and says how many.
func (t *Tokens) DeleteExpired(ctx context.Context, limit int) (int64, error) {
	tag, err := t.pool.Exec(ctx, `DELETE FROM refresh_families WHERE (account_id, id) IN (
		SELECT account_id, id FROM refresh_families WHERE expires_at < now() - interval '7 days' ORDER BY expires_at LIMIT $1)`, limit)
	if err != nil {
		return 0, fmt.Errorf("deleting expired sessions: %w", err)
	}
	return tag.RowsAffected(), nil
}

type foundToken struct {
	account, session, user es.ID
	expired, used, revoked bool
	usedBy                 es.ID
}

// lock finds a token and locks its session until the transaction ends, so that
// uses of one session come one after another. An unknown token is zero.
func lock(ctx context.Context, tx pgx.Tx, text string) (f foundToken, err error) {
	err = tx.QueryRow(ctx, `SELECT f.account_id, f.id, f.user_id, f.revoked_at IS NOT NULL FROM refresh_families f
		WHERE (f.account_id, f.id) = (SELECT account_id, family_id FROM refresh_tokens WHERE hash = $1)
		FOR UPDATE`, digest(text)).Scan(&f.account, &f.session, &f.user, &f.revoked)
	if errors.Is(err, pgx.ErrNoRows) {
		return foundToken{}, nil
	}
	if err != nil {
		return foundToken{}, err
	}
	var usedBy *es.ID
	err = tx.QueryRow(ctx, `SELECT expires_at <= now(), used_at IS NOT NULL, used_by FROM refresh_tokens WHERE hash = $1`,
		digest(text)).Scan(&f.expired, &f.used, &usedBy)
	if usedBy != nil {
		f.usedBy = *usedBy
	}
	return f, err
}

// missed refuses a retry whose first answer did arrive: a token that the
// command issued was used since.
func missed(ctx context.Context, tx pgx.Tx, f foundToken, command es.ID) (refused, err error) {
	var arrived bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM refresh_tokens
		WHERE account_id = $1 AND family_id = $2 AND issued_by = $3 AND used_at IS NOT NULL AND used_by <> $3)`,
		f.account, f.session, command).Scan(&arrived)
	if arrived {
		refused = errUnknown
	}
	return refused, err
}

// issue adds a token to a session and uses up earlier ones of the same command.
func issue(ctx context.Context, tx pgx.Tx, t *identity.RefreshToken, command es.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE refresh_tokens SET used_at = now(), used_by = issued_by
		WHERE account_id = $1 AND family_id = $2 AND issued_by = $3 AND used_at IS NULL`, t.Account, t.Session, command); err != nil {
		return err
	}
	t.Text = newToken()
	if err := tx.QueryRow(ctx, `INSERT INTO refresh_tokens (hash, account_id, family_id, issued_by, expires_at)
		VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5)) RETURNING expires_at`,
		digest(t.Text), t.Account, t.Session, command, RefreshLifetime.Seconds()).Scan(&t.ExpiresAt); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE refresh_families SET used_at = now(), expires_at = $3 WHERE account_id = $1 AND id = $2`,
		t.Account, t.Session, t.ExpiresAt)
	return err
}

func revoke(ctx context.Context, tx pgx.Tx, account, session es.ID, reason string) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE refresh_families SET revoked_at = now(), reason = $3
		WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL`, account, session, reason)
	return err == nil && tag.RowsAffected() > 0, err
}

const tokenLength = 43 // of 32 bytes in base62

// newToken is 32 random bytes in base62.
func newToken() string {
	raw := make([]byte, 32)
	rand.Read(raw)
	text := new(big.Int).SetBytes(raw).Text(62)
	return strings.Repeat("0", tokenLength-len(text)) + text
}

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
