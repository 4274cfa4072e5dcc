// Package credentials keeps what proves who somebody is: password hashes and
// refresh tokens. They live in tables that only the role igny8_login can reach,
// never in events.
package credentials

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// Cost is what a password hash costs.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultCost is argon2id with 19 MiB, 2 passes and 1 thread: the OWASP
// Password Storage Cheat Sheet's second choice (2024).
func DefaultCost() Cost { return Cost{Memory: 19 * 1024, Time: 2, Threads: 1} }

const (
	saltBytes = 16
	hashBytes = 32
)

// Hasher hashes passwords with argon2id, at most one on each core at a time:
// what comes in a flood waits, and leaves when its context ends.
type Hasher struct {
	cost  Cost
	slots *semaphore.Weighted
	dummy string
}

// NewHasher makes a hasher of a cost.
func NewHasher(cost Cost) *Hasher {
	h := &Hasher{cost: cost, slots: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
	h.dummy = format(cost, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// Hash gives the PHC form of a password's hash under a new salt:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum, err := h.sum(ctx, h.cost, password, salt, hashBytes)
	if err != nil {
		return "", err
	}
	return format(h.cost, salt, sum), nil
}

// Verify says whether a password is the one of a hash, and whether the hash is
// of another cost than new ones and should be replaced. Its time does not
// depend on how much of the password is right.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (ok, outdated bool, err error) {
	cost, salt, want, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	sum, err := h.sum(ctx, cost, password, salt, uint32(len(want))) //nolint:gosec // G115: parse bounds it.
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, want) == 1
	return ok, ok && cost != h.cost, nil
}

// VerifyNobody takes the time of a Verify that fails: for names that nobody
// has, so that timing does not tell which ones exist.
func (h *Hasher) VerifyNobody(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, h.dummy, password)
	return err
}

func (h *Hasher) sum(ctx context.Context, cost Cost, password string, salt []byte, n uint32) ([]byte, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	defer h.slots.Release(1)
	return argon2.IDKey([]byte(password), salt, cost.Time, cost.Memory, cost.Threads, n), nil
}

func format(cost Cost, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, cost.Memory, cost.Time, cost.Threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

var errHash = errors.New("a stored password hash is not argon2id in PHC form")

func parse(hash string) (cost Cost, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Time, &cost.Threads); err != nil {
		return cost, nil, nil, errHash
	}
	if cost.Time < 1 || cost.Threads < 1 || cost.Memory > 1<<20 || cost.Time > 64 {
		return cost, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return cost, nil, nil, errHash
	}
	return cost, salt, sum, nil
}
