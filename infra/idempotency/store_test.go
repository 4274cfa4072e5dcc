package idempotency_test

import (
	"bytes"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
)

var _ commands.Idempotency = (*idempotency.Store)(nil)

const lease = time.Minute

func TestOneOfManyConcurrentRequestsGetsTheKey(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	k := key()
	var reserved, inFlight atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			command := uuid.New()
			r, err := s.Reserve(t.Context(), k, fingerprint("a"), command, lease)
			switch {
			case err != nil:
				t.Error(err)
			case r.State == commands.Reserved && r.Command == command:
				reserved.Add(1)
			case r.State == commands.InFlight:
				inFlight.Add(1)
			default:
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	if reserved.Load() != 1 || inFlight.Load() != 63 {
		t.Errorf("%d reserved, %d in flight", reserved.Load(), inFlight.Load())
	}
}

func TestARepeatGetsTheAnswerAndAnotherRequestDoesNot(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	k, command := key(), uuid.New()
	answer := commands.Answer{Status: 201, Header: map[string]string{"Location": "/x/"}, Body: []byte(`{"name":"Ada"}`)}
	reserve(t, s, k, "a", command, lease, commands.Reserved)
	if err := s.Complete(t.Context(), k, command, answer); err != nil {
		t.Fatal(err)
	}
	if err := s.Complete(t.Context(), k, command, commands.Answer{Status: 500}); err != nil {
		t.Fatal(err)
	}
	r := reserve(t, s, k, "a", uuid.New(), lease, commands.Answered)
	if r.Answer.Status != 201 || r.Answer.Header["Location"] != "/x/" || !bytes.Equal(r.Answer.Body, answer.Body) {
		t.Errorf("the repeat answers %+v", r.Answer)
	}
	reserve(t, s, k, "b", uuid.New(), lease, commands.Mismatched)
	for name, other := range map[string]commands.IdempotencyKey{
		"account":   {Account: uuid.New(), Principal: k.Principal, Key: k.Key},
		"principal": {Account: k.Account, Principal: "user:2", Key: k.Key},
		"key":       {Account: k.Account, Principal: k.Principal, Key: "another"},
	} {
		t.Log("of another", name)
		reserve(t, s, other, "b", uuid.New(), lease, commands.Reserved)
	}
	var body []byte
	if err := owner(t, db).QueryRow(t.Context(), `SELECT body FROM idempotency_keys WHERE status = 201`).Scan(&body); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(body, []byte("Ada")) {
		t.Errorf("the answer is readable in the table: %s", body)
	}
}

func TestADeadHoldersCommandIsTakenOver(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	k, command := key(), uuid.New()
	reserve(t, s, k, "a", command, 0, commands.Reserved)
	reserve(t, s, k, "b", uuid.New(), lease, commands.Mismatched)
	var taken atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r, err := s.Reserve(t.Context(), k, fingerprint("a"), uuid.New(), lease)
			if err != nil {
				t.Error(err)
			}
			if r.State == commands.Reserved {
				taken.Add(1)
				if r.Command != command {
					t.Error("with another command id")
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d took it over", taken.Load())
	}
}

func TestAReleasedKeyIsFreeAgain(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	k, command := key(), uuid.New()
	reserve(t, s, k, "a", command, lease, commands.Reserved)
	release(t, s, k, uuid.New()) // of another command: nothing happens
	reserve(t, s, k, "a", uuid.New(), lease, commands.InFlight)
	release(t, s, k, command)
	next := uuid.New()
	if r := reserve(t, s, k, "b", next, lease, commands.Reserved); r.Command != next {
		t.Error("the key still stands for the old command")
	}
}

func TestALateReleaseDoesNotFreeWhatAnotherTookOver(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	k, command := key(), uuid.New()
	reserve(t, s, k, "a", command, 0, commands.Reserved)
	reserve(t, s, k, "a", uuid.New(), lease, commands.Reserved)
	release(t, s, k, command)
	if r := reserve(t, s, k, "a", uuid.New(), lease, commands.Reserved); r.Command != command {
		t.Error("a third request would do it under another command id")
	}
}

func TestAnAnsweredKeyIsNotReleased(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	k, command := key(), uuid.New()
	reserve(t, s, k, "a", command, lease, commands.Reserved)
	if err := s.Complete(t.Context(), k, command, commands.Answer{Status: 200}); err != nil {
		t.Fatal(err)
	}
	release(t, s, k, command)
	reserve(t, s, k, "a", uuid.New(), lease, commands.Answered)
}

func TestKeysEndAfterADay(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	old, young := key(), key()
	for _, k := range []commands.IdempotencyKey{old, young} {
		command := uuid.New()
		reserve(t, s, k, "a", command, lease, commands.Reserved)
		if err := s.Complete(t.Context(), k, command, commands.Answer{Status: 200}); err != nil {
			t.Fatal(err)
		}
	}
	age(t, db, old)
	next := uuid.New()
	if r := reserve(t, s, old, "b", next, lease, commands.Reserved); r.Command != next {
		t.Error("an expired key still stands for its command")
	}
	age(t, db, old)
	if n, err := s.DeleteExpired(t.Context(), 10); err != nil || n != 1 {
		t.Errorf("deleted %d, %v", n, err)
	}
	reserve(t, s, young, "a", uuid.New(), lease, commands.Answered)
}

func TestRowsOfOtherAccountsAreOutOfSight(t *testing.T) {
	t.Parallel()
	s, db := newStore(t)
	reserve(t, s, key(), "a", uuid.New(), lease, commands.Reserved)
	var n int
	if err := pool(t, db, postgres.RoleLogin).QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows without an account, %v", n, err)
	}
	if _, err := pool(t, db, postgres.RoleApp).Exec(t.Context(), `SELECT FROM idempotency_keys`); err == nil {
		t.Error("the application's role reads the table")
	}
}

func reserve(t *testing.T, s *idempotency.Store, k commands.IdempotencyKey, body string, command es.ID, lease time.Duration, want commands.ReservationState) commands.Reservation {
	t.Helper()
	r, err := s.Reserve(t.Context(), k, fingerprint(body), command, lease)
	if err != nil || r.State != want {
		t.Fatalf("state %d, want %d, %v", r.State, want, err)
	}
	return r
}

func release(t *testing.T, s *idempotency.Store, k commands.IdempotencyKey, command es.ID) {
	t.Helper()
	if err := s.Release(t.Context(), k, command); err != nil {
		t.Fatal(err)
	}
}

func age(t *testing.T, db *pgtest.DB, k commands.IdempotencyKey) {
	t.Helper()
	tag, err := owner(t, db).Exec(t.Context(), `UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = $1`, k.Key)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
}

func key() commands.IdempotencyKey {
	return commands.IdempotencyKey{Account: uuid.New(), Principal: "user:1", Key: uuid.NewString()}
}

func fingerprint(body string) []byte { return []byte("fingerprint of " + body) }

func newStore(t *testing.T) (*idempotency.Store, *pgtest.DB) {
	t.Helper()
	db := pgtest.New(t)
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(pool(t, db, postgres.RoleAppender), master, vault.Config{})
	return idempotency.New(pool(t, db, postgres.RoleLogin), v), db
}

func owner(t *testing.T, db *pgtest.DB) *pgxpool.Pool {
	t.Helper()
	return pool(t, db, postgres.RoleOwner)
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
