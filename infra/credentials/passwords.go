package credentials

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

// Passwords keeps one password hash for each user.
type Passwords struct {
	pool   *pgxpool.Pool
	hasher *Hasher
}

// NewPasswords keeps hashes through a pool of the role igny8_login.
func NewPasswords(pool *pgxpool.Pool, hasher *Hasher) *Passwords {
	return &Passwords{pool: pool, hasher: hasher}
}

// Create sets a new user's password. A repeat for the same user leaves the
// first one as it is, and says whether the password is that one.
func (p *Passwords) Create(ctx context.Context, account, user es.ID, password string) (same bool, err error) {
	hash, err := p.hasher.Hash(ctx, password)
	if err != nil {
		return false, err
	}
	tag, err := p.pool.Exec(ctx, `INSERT INTO credentials (account_id, user_id, hash) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, user_id) DO NOTHING`, account, user, hash)
	if err != nil {
		return false, fmt.Errorf("keeping a password: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return true, nil
	}
	return p.Check(ctx, account, user, password)
}

// Change sets a user's password anew. Their sessions are revoked by whoever
// calls it (Tokens.RevokeAll).
func (p *Passwords) Change(ctx context.Context, account, user es.ID, password string) error {
	hash, err := p.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return p.replace(ctx, account, user, hash)
}

// Check says whether it is the user's password. It takes as long for a user
// who has none, and brings a hash of an older cost up to date.
func (p *Passwords) Check(ctx context.Context, account, user es.ID, password string) (bool, error) {
	var hash string
	err := p.pool.QueryRow(ctx, `SELECT hash FROM credentials WHERE account_id = $1 AND user_id = $2`, account, user).Scan(&hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, p.CheckNobody(ctx, password)
	}
	if err != nil {
		return false, fmt.Errorf("reading a password: %w", err)
	}
	ok, outdated, err := p.hasher.Verify(ctx, hash, password)
	if err != nil || !outdated {
		return ok, err
	}
	renewed, err := p.hasher.Hash(ctx, password)
	if err != nil {
		return ok, err
	}
	_, err = p.pool.Exec(ctx, `UPDATE credentials SET hash = $4 WHERE account_id = $1 AND user_id = $2 AND hash = $3`,
		account, user, hash, renewed)
	if err != nil {
		return ok, fmt.Errorf("renewing a password hash: %w", err)
	}
	return ok, nil
}

// CheckNobody takes the time of a Check that fails, for a name that nobody has.
func (p *Passwords) CheckNobody(ctx context.Context, password string) error {
	return p.hasher.VerifyNobody(ctx, password)
}

// Delete forgets a user's password; they cannot log in then. Deleting it again
// changes nothing.
func (p *Passwords) Delete(ctx context.Context, account, user es.ID) error {
	if _, err := p.pool.Exec(ctx, `DELETE FROM credentials WHERE account_id = $1 AND user_id = $2`, account, user); err != nil {
		return fmt.Errorf("deleting a password: %w", err)
	}
	return nil
}

func (p *Passwords) replace(ctx context.Context, account, user es.ID, hash string) error {
	_, err := p.pool.Exec(ctx, `INSERT INTO credentials (account_id, user_id, hash) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()`, account, user, hash)
	if err != nil {
		return fmt.Errorf("keeping a password: %w", err)
	}
	return nil
}
