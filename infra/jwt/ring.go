// Package jwt signs and verifies access tokens: EdDSA (Ed25519), algorithm,
// issuer and audience pinned, 15 minutes. Keys are kept by a vault and replaced
// by themselves, the old ones verifying until their last token has expired. It
// implements identity.AccessTokens.
package jwt

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/vault"
)

// Lifetime is how long an access token is valid.
const Lifetime = 15 * time.Minute

const (
	purpose  = "access tokens"
	issuer   = "igny8"
	audience = "igny8-api"
	skew     = 30 * time.Second
	// Signing keys are replaced every 30 days; each replacement drops those that
	// are older than a day more.
	replaced = 30 * 24 * time.Hour
	dropped  = replaced + 24*time.Hour
	// A new key signs once every process had the time to read it.
	known  = 2 * reread
	reread = time.Minute
	// Tokens that name an unknown key cost one reading a second at most, once
	// there is a key.
	unknownEvery = time.Second
)

// Keys keeps the signing keys; infra/vault is one.
type Keys interface {
	ServiceKeys(ctx context.Context, purpose string) ([]vault.ServiceKey, error)
	RenewServiceKey(ctx context.Context, purpose string, every, keep time.Duration) ([]vault.ServiceKey, error)
}

// Ring signs and verifies with the keys in force. It is safe for concurrent
// use; several processes share their keys.
type Ring struct {
	keys  Keys
	clock func() time.Time

	verified *verified

	mu   sync.Mutex // also held while reading, so that one reads for all
	read time.Time
	byID map[string]ed25519.PrivateKey
	list []vault.ServiceKey // the oldest first
}

// NewRing makes a ring. Clock is time.Now outside of tests.
func NewRing(keys Keys, clock func() time.Time) *Ring {
	return &Ring{keys: keys, clock: clock, verified: newVerified()}
}

type claims struct {
	Account es.ID   `json:"account"`
	Role    es.Role `json:"role"`
	Session es.ID   `json:"sid"`
	jwt.RegisteredClaims
}

// Sign gives an access token and when it expires.
func (r *Ring) Sign(ctx context.Context, who identity.Bearer) (token string, expires time.Time, err error) {
	id, key, err := r.signing(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	now := r.clock().UTC().Truncate(time.Second)
	expires = now.Add(Lifetime)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		Account: who.Account, Role: who.Role, Session: who.Session,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: who.User.String(), Issuer: issuer, Audience: jwt.ClaimStrings{audience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
	})
	t.Header["kid"] = id
	token, err = t.SignedString(key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("signing an access token: %w", err)
	}
	return token, expires, nil
}

// Verify says whom a token speaks for. A token that is not ours, damaged or
// expired is es.Unauthorized ("token_invalid", "token_expired"); any other
// error means that the keys could not be read.
func (r *Ring) Verify(ctx context.Context, token string) (identity.Bearer, error) {
	sum := sha256.Sum256([]byte(token))
	if who, ok := r.verified.get(sum, r.clock()); ok {
		return who, nil
	}
	var c claims
	var failed error
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, err := r.verifying(ctx, id)
		failed = err
		if err != nil {
			return nil, err
		}
		return key, nil
	}, jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(skew), jwt.WithTimeFunc(r.clock), jwt.WithStrictDecoding())
	switch {
	case failed != nil && !errors.Is(failed, errNoKey):
		return identity.Bearer{}, failed
	case errors.Is(err, jwt.ErrTokenExpired):
		return identity.Bearer{}, es.Refuse(es.Unauthorized, "token_expired", "The access token has expired. Refresh it.")
	case err != nil:
		return identity.Bearer{}, errInvalid
	}
	who := identity.Bearer{Account: c.Account, Role: c.Role, Session: c.Session}
	if err := who.User.UnmarshalText([]byte(c.Subject)); err != nil {
		return identity.Bearer{}, errInvalid
	}
	r.verified.put(sum, who, c.ExpiresAt.Time)
	return who, nil
}

var (
	errInvalid = es.Refuse(es.Unauthorized, "token_invalid", "The access token is not valid.")
	errNoKey   = errors.New("no such signing key")
)

// signing is the newest key that every process knows by now; the very first
// one serves at once. A key that is due is replaced before it is used.
func (r *Ring) signing(ctx context.Context) (id string, key ed25519.PrivateKey, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	if len(r.list) == 0 || now.Sub(r.read) > reread {
		if err := r.load(r.keys.ServiceKeys(ctx, purpose)); err != nil {
			return "", nil, err
		}
	}
	if len(r.list) == 0 || now.Sub(r.list[len(r.list)-1].CreatedAt) > replaced {
		if err := r.load(r.keys.RenewServiceKey(ctx, purpose, replaced, dropped)); err != nil {
			return "", nil, err
		}
	}
	for i := len(r.list) - 1; i >= 0; i-- {
		if i == 0 || now.Sub(r.list[i].CreatedAt) > known {
			return r.list[i].ID, r.byID[r.list[i].ID], nil
		}
	}
	return "", nil, errNoKey
}

func (r *Ring) verifying(ctx context.Context, id string) (ed25519.PublicKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := r.clock().Sub(r.read)
	key, ok := r.byID[id]
	if age > reread || !ok && (age > unknownEvery || len(r.list) == 0) {
		if err := r.load(r.keys.ServiceKeys(ctx, purpose)); err != nil {
			return nil, err
		}
		key, ok = r.byID[id]
	}
	if !ok {
		return nil, errNoKey
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return public, nil
}

func (r *Ring) load(list []vault.ServiceKey, err error) error {
	if err != nil {
		return fmt.Errorf("reading the keys of access tokens: %w", err)
	}
	r.list, r.read, r.byID = list, r.clock(), map[string]ed25519.PrivateKey{}
	for _, k := range list {
		r.byID[k.ID] = ed25519.NewKeyFromSeed(k.Key)
	}
	return nil
}
