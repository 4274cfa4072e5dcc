package credentials_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

var (
	_ identity.Passwords     = (*credentials.Passwords)(nil)
	_ identity.RefreshTokens = (*credentials.Tokens)(nil)
)

var cheap = credentials.Cost{Memory: 64, Time: 1, Threads: 1}

func TestAPasswordIsKnownByItsHash(t *testing.T) {
	t.Parallel()
	h := credentials.NewHasher(credentials.DefaultCost())
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, "horse") {
		t.Fatalf("%s, %v", hash, err)
	}
	if other, _ := h.Hash(t.Context(), "correct horse"); other == hash {
		t.Error("two hashes of a password are the same")
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		if ok, outdated, err := h.Verify(t.Context(), hash, password); ok != want || outdated || err != nil {
			t.Errorf("%q: %v, %v, %v", password, ok, outdated, err)
		}
	}
}

func TestAFloodOfHashesWaitsAndLeaves(t *testing.T) {
	t.Parallel()
	h := credentials.NewHasher(credentials.Cost{Memory: 64 * 1024, Time: 2, Threads: 1})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	left := 0
	for range 12 {
		wg.Go(func() {
			if _, err := h.Hash(ctx, "correct horse"); err != nil {
				mu.Lock()
				left++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if left == 0 {
		t.Error("all of them were hashed")
	}
}

func TestABrokenHashIsAnErrorAndNotAPanic(t *testing.T) {
	t.Parallel()
	h := credentials.NewHasher(cheap)
	for _, hash := range []string{
		"", "x", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
		"$argon2id$v=19$m=4000000000,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if ok, _, err := h.Verify(t.Context(), hash, "x"); ok || err == nil {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
	}
}

func TestTheFirstPasswordOfAUserStays(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := credentials.NewPasswords(pool(t, db, postgres.RoleLogin), credentials.NewHasher(cheap))
	account, user := uuid.New(), uuid.New()
	for _, c := range []struct {
		password string
		same     bool
	}{{"first one", true}, {"first one", true}, {"another", false}} {
		if same, err := p.Create(t.Context(), account, user, c.password); err != nil || same != c.same {
			t.Errorf("%s: same %v, %v", c.password, same, err)
		}
	}
	checks(t, p, account, user, map[string]bool{"first one": true, "another": false})
	checks(t, p, account, uuid.New(), map[string]bool{"first one": false})
	checks(t, p, uuid.New(), user, map[string]bool{"first one": false})
	if err := p.Change(t.Context(), account, user, "another"); err != nil {
		t.Fatal(err)
	}
	checks(t, p, account, user, map[string]bool{"first one": false, "another": true})
	if err := p.Delete(t.Context(), account, user); err != nil {
		t.Fatal(err)
	}
	checks(t, p, account, user, map[string]bool{"another": false})
}

func TestAHashOfAnOlderCostIsRenewedAtTheNextLogin(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logins := pool(t, db, postgres.RoleLogin)
	account, user := uuid.New(), uuid.New()
	old := credentials.NewPasswords(logins, credentials.NewHasher(cheap))
	if _, err := old.Create(t.Context(), account, user, "first one"); err != nil {
		t.Fatal(err)
	}
	dearer := credentials.NewPasswords(logins, credentials.NewHasher(credentials.Cost{Memory: 128, Time: 2, Threads: 1}))
	hash := func() (hash string) {
		if err := logins.QueryRow(t.Context(), `SELECT hash FROM credentials`).Scan(&hash); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	checks(t, dearer, account, user, map[string]bool{"wrong": false})
	if !strings.Contains(hash(), "m=64,t=1") {
		t.Errorf("a wrong password renewed it: %s", hash())
	}
	checks(t, dearer, account, user, map[string]bool{"first one": true})
	if !strings.Contains(hash(), "m=128,t=2") {
		t.Errorf("it was not renewed: %s", hash())
	}
	checks(t, dearer, account, user, map[string]bool{"first one": true, "wrong": false})
}

func TestARefreshTokenServesOnce(t *testing.T) {
	t.Parallel()
	tokens, account, user := newTokens(t)
	first := issue(t, tokens, account, user)
	if !regexp.MustCompile(`^[0-9A-Za-z]{43}$`).MatchString(first.Text) || time.Until(first.ExpiresAt) < credentials.RefreshLifetime-time.Minute {
		t.Errorf("%d characters, until %s", len(first.Text), first.ExpiresAt)
	}
	second := rotate(t, tokens, first.Text, uuid.New(), "")
	if second.Text == first.Text || second.User != user || second.Account != account || second.Session != first.Session {
		t.Errorf("rotated %+v into %+v", first, second)
	}
	rotate(t, tokens, "nobody issued it", uuid.New(), "refresh_invalid")
	rotate(t, tokens, first.Text, uuid.New(), "refresh_reused")
	rotate(t, tokens, second.Text, uuid.New(), "refresh_invalid")
	if sessions(t, tokens, account, user) != 0 {
		t.Error("the session of a reused token is still running")
	}
}

func TestOfTwoUsesAtOnceOneWinsAndTheSessionEnds(t *testing.T) {
	t.Parallel()
	tokens, account, user := newTokens(t)
	for range 20 {
		first := issue(t, tokens, account, user)
		start := make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []identity.RefreshToken
		for range 4 {
			wg.Go(func() {
				<-start
				next, err := tokens.Rotate(t.Context(), first.Text, uuid.New())
				if err == nil {
					mu.Lock()
					won = append(won, next)
					mu.Unlock()
				} else if es.ClassOf(err) != es.Unauthorized {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d of them won", len(won))
		}
		rotate(t, tokens, won[0].Text, uuid.New(), "refresh_invalid")
	}
}

func TestARetryOfTheSameCommandKeepsTheSession(t *testing.T) {
	t.Parallel()
	tokens, account, user := newTokens(t)
	first, command := issue(t, tokens, account, user), uuid.New()
	lost := rotate(t, tokens, first.Text, command, "")
	second := rotate(t, tokens, first.Text, command, "")
	third := rotate(t, tokens, second.Text, uuid.New(), "")
	rotate(t, tokens, first.Text, command, "refresh_invalid")
	if sessions(t, tokens, account, user) != 1 {
		t.Error("a retry whose answer had arrived ended the session")
	}
	rotate(t, tokens, lost.Text, uuid.New(), "refresh_reused")
	rotate(t, tokens, third.Text, uuid.New(), "refresh_invalid")
}

func TestARepeatedLoginContinuesItsSession(t *testing.T) {
	t.Parallel()
	tokens, account, user := newTokens(t)
	command := uuid.New()
	var issued [2]identity.RefreshToken
	for i := range issued {
		var err error
		if issued[i], err = tokens.Issue(t.Context(), account, user, command); err != nil {
			t.Fatal(err)
		}
	}
	if sessions(t, tokens, account, user) != 1 {
		t.Error("a repeat began another session")
	}
	rotate(t, tokens, issued[1].Text, uuid.New(), "")
	rotate(t, tokens, issued[0].Text, uuid.New(), "refresh_reused")
}

func TestSessionsEndWhenTheyAreRevoked(t *testing.T) {
	t.Parallel()
	tokens, account, user := newTokens(t)
	a, b, c := issue(t, tokens, account, user), issue(t, tokens, account, user), issue(t, tokens, account, user)
	if ok, err := tokens.Revoke(t.Context(), account, uuid.New(), a.Session, "logout"); ok || err != nil {
		t.Errorf("somebody else's session: %v, %v", ok, err)
	}
	if ok, err := tokens.Revoke(t.Context(), account, user, a.Session, "logout"); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	rotate(t, tokens, a.Text, uuid.New(), "refresh_invalid")
	if err := tokens.RevokeToken(t.Context(), b.Text, "logout"); err != nil {
		t.Fatal(err)
	}
	rotate(t, tokens, b.Text, uuid.New(), "refresh_invalid")
	if n := sessions(t, tokens, account, user); n != 1 {
		t.Errorf("%d sessions are left", n)
	}
	if n, err := tokens.RevokeAll(t.Context(), account, user, "password"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	rotate(t, tokens, c.Text, uuid.New(), "refresh_invalid")
}

func TestAnExpiredTokenIsRefusedAndLaterForgotten(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logins := pool(t, db, postgres.RoleLogin)
	tokens, account, user := credentials.NewTokens(logins), uuid.New(), uuid.New()
	old, young := issue(t, tokens, account, user), issue(t, tokens, account, user)
	for _, sql := range []string{
		`UPDATE refresh_tokens SET expires_at = now() - interval '8 days' WHERE family_id = $1`,
		`UPDATE refresh_families SET expires_at = now() - interval '8 days' WHERE id = $1`,
	} {
		if _, err := logins.Exec(t.Context(), sql, old.Session); err != nil {
			t.Fatal(err)
		}
	}
	rotate(t, tokens, old.Text, uuid.New(), "refresh_expired")
	if n, err := tokens.DeleteExpired(t.Context(), 10); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	rotate(t, tokens, young.Text, uuid.New(), "")
}

func TestTokensAreKeptAsHashesAndOutOfTheApplicationsReach(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logins := pool(t, db, postgres.RoleLogin)
	token := issue(t, credentials.NewTokens(logins), uuid.New(), uuid.New())
	var row string
	if err := logins.QueryRow(t.Context(), `SELECT encode(hash, 'escape') || t::text FROM refresh_tokens t`).Scan(&row); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(row, token.Text) {
		t.Error("the token is in the table")
	}
	for _, table := range []string{"credentials", "refresh_tokens", "refresh_families"} {
		for _, role := range []postgres.Role{postgres.RoleApp, postgres.RoleAppender} {
			if _, err := pool(t, db, role).Exec(t.Context(), "SELECT FROM "+table); err == nil {
				t.Errorf("%s reads %s", role, table)
			}
		}
	}
}

func checks(t *testing.T, p *credentials.Passwords, account, user es.ID, want map[string]bool) {
	t.Helper()
	for password, want := range want {
		if ok, err := p.Check(t.Context(), account, user, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
}

func issue(t *testing.T, tokens *credentials.Tokens, account, user es.ID) identity.RefreshToken {
	t.Helper()
	token, err := tokens.Issue(t.Context(), account, user, uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// rotate expects the error's word; "" is success.
func rotate(t *testing.T, tokens *credentials.Tokens, text string, command es.ID, want string) identity.RefreshToken {
	t.Helper()
	next, err := tokens.Rotate(t.Context(), text, command)
	word := ""
	if refusal, ok := err.(*es.Error); ok { //nolint:errorlint // it must come unwrapped.
		word = refusal.Word()
	} else if err != nil {
		t.Fatal(err)
	}
	if word != want {
		t.Fatalf("rotating answers %q, want %q", word, want)
	}
	return next
}

func sessions(t *testing.T, tokens *credentials.Tokens, account, user es.ID) int {
	t.Helper()
	list, err := tokens.Sessions(t.Context(), account, user)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func newTokens(t *testing.T) (tokens *credentials.Tokens, account, user es.ID) {
	t.Helper()
	return credentials.NewTokens(pool(t, pgtest.New(t), postgres.RoleLogin)), uuid.New(), uuid.New()
}

func pool(t *testing.T, db *pgtest.DB, role postgres.Role) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(t.Context(), db.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
