package jwt_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/jwt"
	"github.com/igny8/igny8/infra/vault"
)

var _ identity.AccessTokens = (*jwt.Ring)(nil)

var who = identity.Bearer{User: uuid.New(), Account: uuid.New(), Role: es.Editor, Session: uuid.New()}

func TestATokenSaysWhoItSpeaksForUntilItExpires(t *testing.T) {
	t.Parallel()
	clock := newClock()
	ring := jwt.NewRing(&keys{clock: clock}, clock.Now)
	token := sign(t, ring)
	if got, err := ring.Verify(t.Context(), token); err != nil || got != who {
		t.Errorf("%+v, %v", got, err)
	}
	body, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if strings.Contains(string(body), "mail") {
		t.Errorf("it says too much: %s", body)
	}
	clock.forward(jwt.Lifetime - time.Second)
	if _, err := ring.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	clock.forward(time.Minute)
	refused(t, ring, token, "token_expired")
}

func TestAForgedTokenIsRefused(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := &keys{clock: clock}
	ring := jwt.NewRing(store, clock.Now)
	token := sign(t, ring)
	parts := strings.Split(token, ".")
	own := ed25519.NewKeyFromSeed(store.list[0].Key)
	good := golangjwt.MapClaims{
		"sub": who.User.String(), "account": who.Account, "role": "developer", "sid": who.Session,
		"iss": "igny8", "aud": "igny8-api", "exp": clock.Now().Add(time.Minute).Unix(), "iat": clock.Now().Unix(),
	}
	with := func(name string, value any) golangjwt.MapClaims {
		c := golangjwt.MapClaims{}
		for k, v := range good {
			c[k] = v
		}
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	make := func(method golangjwt.SigningMethod, c golangjwt.Claims, kid string, key any) string {
		token := golangjwt.NewWithClaims(method, c)
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	kid := store.list[0].ID
	if _, err := ring.Verify(t.Context(), make(golangjwt.SigningMethodEdDSA, good, kid, own)); err != nil {
		t.Fatal("the pattern of the forgeries is refused itself:", err)
	}
	_, another, _ := ed25519.GenerateKey(nil)
	public, _ := own.Public().(ed25519.PublicKey)
	for name, forged := range map[string]string{
		"no algorithm":          make(golangjwt.SigningMethodNone, good, kid, golangjwt.UnsafeAllowNoneSignatureType),
		"an HMAC by public key": make(golangjwt.SigningMethodHS256, good, kid, []byte(public)),
		"another key":           make(golangjwt.SigningMethodEdDSA, good, kid, another),
		"an unknown key id":     make(golangjwt.SigningMethodEdDSA, good, "x", own),
		"no key id":             make(golangjwt.SigningMethodEdDSA, good, "", own),
		"another issuer":        make(golangjwt.SigningMethodEdDSA, with("iss", "igny9"), kid, own),
		"another audience":      make(golangjwt.SigningMethodEdDSA, with("aud", "igny8-feed"), kid, own),
		"no expiry":             make(golangjwt.SigningMethodEdDSA, with("exp", nil), kid, own),
		"from the future":       make(golangjwt.SigningMethodEdDSA, with("iat", clock.Now().Add(time.Hour).Unix()), kid, own),
		"no subject":            make(golangjwt.SigningMethodEdDSA, with("sub", nil), kid, own),
		"another body":          parts[0] + "." + strings.Split(make(golangjwt.SigningMethodEdDSA, good, kid, another), ".")[1] + "." + parts[2],
		"no signature":          parts[0] + "." + parts[1] + ".",
		"not a token":           "hello",
		"nothing":               "",
	} {
		t.Run(name, func(t *testing.T) { refused(t, ring, forged, "token_invalid") })
	}
}

func TestTokensOutliveTheReplacementOfTheirKey(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := &keys{clock: clock}
	signer, verifier := jwt.NewRing(store, clock.Now), jwt.NewRing(store, clock.Now)
	first := sign(t, signer)
	if _, err := verifier.Verify(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	clock.forward(30*24*time.Hour + time.Second)
	before := sign(t, signer) // the key is replaced, and its successor waits to be known
	if kid(t, before) != kid(t, first) || len(store.list) != 2 {
		t.Errorf("%d keys, signed with the new one: %v", len(store.list), kid(t, before) != kid(t, first))
	}
	clock.forward(3 * time.Minute)
	after := sign(t, signer)
	if kid(t, after) == kid(t, first) {
		t.Error("the old key still signs")
	}
	for _, token := range []string{before, after} {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	clock.forward(25 * time.Hour)
	sign(t, signer)
}

func TestManySignersShareTheFirstKey(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := &keys{clock: clock}
	verifier := jwt.NewRing(store, clock.Now)
	refused(t, verifier, "x.y.z", "token_invalid")
	var wg sync.WaitGroup
	tokens := [8]string{}
	for i := range tokens {
		wg.Go(func() { tokens[i], _, _ = jwt.NewRing(store, clock.Now).Sign(t.Context(), who) })
	}
	wg.Wait()
	for _, token := range tokens {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownKeysCostOneReadingASecond(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := &keys{clock: clock}
	ring := jwt.NewRing(store, clock.Now)
	token := sign(t, ring)
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"unknown"}`))
	reads := store.reads
	for range 100 {
		refused(t, ring, header+token[strings.Index(token, "."):], "token_invalid")
	}
	if store.reads > reads+1 {
		t.Errorf("%d readings", store.reads-reads)
	}
}

func TestKeysThatCannotBeReadAreNotTheTokensFault(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := &keys{clock: clock}
	token := sign(t, jwt.NewRing(store, clock.Now))
	store.err = errors.New("the database is away")
	if _, err := jwt.NewRing(store, clock.Now).Verify(t.Context(), token); es.ClassOf(err) != es.Internal || err == nil {
		t.Errorf("it says %v", err)
	}
}

func sign(t *testing.T, ring *jwt.Ring) string {
	t.Helper()
	token, _, err := ring.Sign(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func refused(t *testing.T, ring *jwt.Ring, token, want string) {
	t.Helper()
	_, err := ring.Verify(t.Context(), token)
	var refusal *es.Error
	if !errors.As(err, &refusal) || refusal.Class != es.Unauthorized || refusal.Word() != want {
		t.Errorf("it says %v, want %s", err, want)
	}
}

func kid(t *testing.T, token string) string {
	t.Helper()
	parsed, _, err := golangjwt.NewParser().ParseUnverified(token, golangjwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(parsed.Header["kid"])
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// keys keeps keys in memory as the vault does in its table.
type keys struct {
	clock *clock
	mu    sync.Mutex
	list  []vault.ServiceKey
	reads int
	err   error
}

func (k *keys) ServiceKeys(context.Context, string) ([]vault.ServiceKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reads++
	return append([]vault.ServiceKey(nil), k.list...), k.err
}

func (k *keys) RenewServiceKey(ctx context.Context, purpose string, every, keep time.Duration) ([]vault.ServiceKey, error) {
	k.mu.Lock()
	now := k.clock.Now()
	if n := len(k.list); n == 0 || now.Sub(k.list[n-1].CreatedAt) >= every {
		id := uuid.New()
		k.list = append(k.list, vault.ServiceKey{ID: id.String(), Key: append(id[:], id[:]...), CreatedAt: now})
	}
	for now.Sub(k.list[0].CreatedAt) >= keep {
		k.list = k.list[1:]
	}
	k.mu.Unlock()
	return k.ServiceKeys(ctx, purpose)
}
