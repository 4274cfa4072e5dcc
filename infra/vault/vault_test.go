package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
)

var (
	_ commands.Vault     = (*vault.Vault)(nil)
	_ projections.Opener = (*vault.Vault)(nil)
)

type moved struct {
	Name    es.Personal `json:"name"`
	Nick    es.Personal `json:"nick"`
	Address struct {
		City es.Personal `json:"city"`
	} `json:"address"`
	Rooms int `json:"rooms"`
}

func (moved) EventType() string { return "test.person.moved.v1" }

type left moved

func (left) EventType() string { return "test.person.left.v1" }

func TestSealedFieldsOpenAgainWhateverTheTextIs(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	rapid.Check(t, func(t *rapid.T) {
		e := moved{Rooms: 3}
		e.Name = es.NewPersonal(rapid.String().Draw(t, "name"))
		e.Nick = es.NewPersonal(rapid.SampledFrom([]string{"", "sealed", "erased", "sealed.1.x", "Zoë"}).Draw(t, "nick"))
		e.Address.City = es.NewPersonal(rapid.StringN(0, 40, -1).Draw(t, "city"))
		at := envelope(rapid.Int64Range(1, 1<<50).Draw(t, "revision"))
		sealed := seal(t, v, at, e)
		data, err := es.Encode(sealed)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{e.Name.String(), e.Address.City.String()} {
			if len(text) > 5 && bytes.Contains(data, []byte(text)) {
				t.Fatalf("%q is readable in %s", text, data)
			}
		}
		opened := open(t, v, at, sealed)
		if !opened.Name.Equal(e.Name) || !opened.Nick.Equal(e.Nick) || !opened.Address.City.Equal(e.Address.City) || opened.Rooms != 3 {
			t.Fatalf("sealed %v, opened %v", e, opened)
		}
	})
}

func TestATokenOpensOnlyWhereItWasSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	rapid.Check(t, func(t *rapid.T) {
		at, other := envelope(4), envelope(5)
		other.Stream.Account = at.Stream.Account
		sealed := seal(t, v, at, moved{Name: es.NewPersonal("Ada"), Nick: es.NewPersonal("A")})
		seal(t, v, other, moved{Name: es.NewPersonal("Bob")}) // its subject has a key too
		found, e, name := at, es.Event(sealed), "account"
		switch name = rapid.SampledFrom([]string{"account", "stream", "revision", "type", "field"}).Draw(t, "moved to another"); name {
		case "account":
			found.Stream.Account = uuid.New()
			seal(t, v, found, moved{Name: es.NewPersonal("the same subject's id in another account")})
		case "stream":
			found.Stream.ID = other.Stream.ID
		case "revision":
			found.Revision++
		case "type":
			found.Type, e = "test.person.left.v1", left(sealed)
		case "field":
			swapped := sealed
			swapped.Name = sealed.Nick
			e = swapped
		}
		opened, err := v.OpenWritten(t.Context(), found.Stream.Account, []commands.Written{{Envelope: found, Event: e}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		es.WithPersonal(opened[0], func(path string, p *es.Personal) {
			if path == "name" {
				got = p.String()
			}
		})
		if got != es.Erased {
			t.Fatalf("in another %s it reads %q", name, got)
		}
	})
}

func TestADamagedTokenReadsAsErased(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	at := envelope(1)
	token := seal(t, v, at, moved{Name: es.NewPersonal("Ada")}).Name.Token()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(len(es.SealedPrefix), len(token)-1).Draw(t, "place")
		letter := rapid.SampledFrom([]string{"A", "z", "_", "=", "€", ""}).Draw(t, "letter")
		damaged := token[:i] + letter + token[i+1:]
		if damaged == token {
			return
		}
		var p es.Personal
		p.SetSealed(damaged)
		if err := v.OpenFields(t.Context(), at.Stream.Account, []*es.Personal{&p}); err != nil || !p.IsErased() {
			t.Fatalf("%s reads %q, %v", damaged, p, err)
		}
	})
}

func TestAnErasedPersonReadsAsErasedWithoutAnError(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	v := vaultOf(t, db, masterKey(t), vault.Config{})
	at, neighbour := envelope(1), envelope(1)
	neighbour.Stream.Account = at.Stream.Account
	sealed := seal(t, v, at, moved{Name: es.NewPersonal("Ada"), Rooms: 2})
	stays := seal(t, v, neighbour, moved{Name: es.NewPersonal("Bob")})
	if got := open(t, v, at, sealed); got.Name.String() != "Ada" {
		t.Fatalf("before the erasure it reads %q", got.Name)
	}
	receipt, err := v.Erase(t.Context(), at.Stream.Account, at.Stream.ID)
	if err != nil || receipt.Repeat || receipt.ErasedAt.IsZero() {
		t.Fatalf("receipt %+v, %v", receipt, err)
	}
	if got := open(t, v, at, sealed); !got.Name.IsErased() || got.Rooms != 2 {
		t.Fatalf("after the erasure it reads %v", got)
	}
	if got := open(t, v, neighbour, stays); got.Name.String() != "Bob" {
		t.Fatalf("the neighbour reads %q", got.Name)
	}
	if _, err := v.Seal(t.Context(), at, moved{Name: es.NewPersonal("Ada")}); es.ClassOf(err) != es.Conflict {
		t.Fatalf("sealing for an erased person: %v", err)
	}
	again, err := v.Erase(t.Context(), at.Stream.Account, at.Stream.ID)
	if err != nil || !again.Repeat || !again.ErasedAt.Equal(receipt.ErasedAt) {
		t.Fatalf("the second receipt %+v, %v", again, err)
	}
}

func TestAnErasureDropsPersonalClaimsOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	v := vaultOf(t, db, masterKey(t), vault.Config{PersonalScopes: []string{"identity.email", "identity.phone"}})
	at := envelope(1)
	account, other := at.Stream.Account, uuid.New()
	for i, c := range []struct {
		scope  string
		stream uuid.UUID
	}{
		{"identity.email", at.Stream.ID},
		{account.String() + "/identity.phone", at.Stream.ID},
		{"tenancy.slug", at.Stream.ID},
		{"identity.email", other},
	} {
		_, err := pool(t, db, postgres.RoleOwner).Exec(t.Context(), `INSERT INTO unique_claims (scope, key, account_id, kind, stream_id, revision)
			VALUES ($1, $2, $3, 'test.person', $4, 1)`, c.scope, []byte{byte(i)}, account, c.stream)
		if err != nil {
			t.Fatal(err)
		}
	}
	if r, err := v.Erase(t.Context(), account, at.Stream.ID); err != nil || r.Claims != 2 {
		t.Errorf("receipt %+v, %v", r, err)
	}
	var left []string
	err := pool(t, db, postgres.RoleOwner).QueryRow(t.Context(), `SELECT array_agg(scope ORDER BY scope) FROM unique_claims`).Scan(&left)
	if err != nil || !slices.Equal(left, []string{"identity.email", "tenancy.slug"}) {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestAPersonWithoutAKeyIsFencedByTheirErasureToo(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	at := envelope(1)
	if _, err := v.Erase(t.Context(), at.Stream.Account, at.Stream.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Seal(t.Context(), at, moved{Name: es.NewPersonal("Ada")}); es.ClassOf(err) != es.Conflict {
		t.Fatalf("sealing for an erased person: %v", err)
	}
}

func TestNoStatementBringsAnErasedKeyBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	v := vaultOf(t, db, masterKey(t), vault.Config{})
	at := envelope(1)
	if _, err := v.Erase(t.Context(), at.Stream.Account, at.Stream.ID); err != nil {
		t.Fatal(err)
	}
	p := pool(t, db, postgres.RoleAppender)
	for _, sql := range []string{
		`UPDATE subject_keys SET state = 'active', master = 'm', wrapped = 'w', erased_at = NULL`,
		`UPDATE subject_keys SET subject = account_id`,
		`DELETE FROM subject_keys`,
	} {
		if _, err := p.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: it was let through", sql)
		}
	}
}

func TestAnotherProcessForgetsWhomItIsToldOf(t *testing.T) {
	t.Parallel()
	db, key := pgtest.New(t), masterKey(t)
	here := vaultOf(t, db, key, vault.Config{})
	there := vaultOf(t, db, key, vault.Config{Fresh: time.Hour})
	listener, err := pool(t, db, postgres.RoleAppender).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN "+vault.Channel); err != nil {
		t.Fatal(err)
	}
	at := envelope(1)
	sealed := seal(t, here, at, moved{Name: es.NewPersonal("Ada")})
	if got := open(t, there, at, sealed); got.Name.String() != "Ada" {
		t.Fatalf("it reads %q", got.Name)
	}
	if _, err := here.Erase(t.Context(), at.Stream.Account, at.Stream.ID); err != nil {
		t.Fatal(err)
	}
	heard, err := listener.Conn().WaitForNotification(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Forget(heard.Payload); err != nil {
		t.Fatal(err)
	}
	if got := open(t, there, at, sealed); !got.Name.IsErased() {
		t.Fatalf("there it still reads %q", got.Name)
	}
}

func TestALostNotificationCostsNoMoreThanTheFreshness(t *testing.T) {
	t.Parallel()
	db, key := pgtest.New(t), masterKey(t)
	now := time.Now()
	here := vaultOf(t, db, key, vault.Config{})
	there := vaultOf(t, db, key, vault.Config{Fresh: 3 * time.Second, Clock: func() time.Time { return now }})
	at := envelope(1)
	sealed := seal(t, there, at, moved{Name: es.NewPersonal("Ada")})
	if _, err := here.Erase(t.Context(), at.Stream.Account, at.Stream.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * time.Second)
	if got := open(t, there, at, sealed); !got.Name.IsErased() {
		t.Fatalf("after 3 s it still reads %q", got.Name)
	}
}

func TestARaceOfSealersAndAnEraserLeavesNothingOpenable(t *testing.T) {
	t.Parallel()
	db, key := pgtest.New(t), masterKey(t)
	for round := range 5 {
		at := envelope(1)
		var sealers [4]*vault.Vault // as many processes
		for i := range sealers {
			sealers[i] = vaultOf(t, db, key, vault.Config{})
		}
		var (
			mu     sync.Mutex
			tokens []es.Personal
			wg     sync.WaitGroup
		)
		for i := range 32 {
			wg.Go(func() {
				for n := range 8 {
					envelope := at
					envelope.Revision = int64(1 + i*8 + n)
					e, err := sealers[i%len(sealers)].Seal(t.Context(), envelope, moved{Name: es.NewPersonal("Ada")})
					if err != nil {
						if es.ClassOf(err) != es.Conflict {
							t.Error(err)
						}
						return
					}
					m, _ := e.(moved)
					mu.Lock()
					tokens = append(tokens, m.Name)
					mu.Unlock()
				}
			})
		}
		wg.Go(func() {
			if _, err := vaultOf(t, db, key, vault.Config{}).Erase(t.Context(), at.Stream.Account, at.Stream.ID); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		reader := vaultOf(t, db, key, vault.Config{})
		for i := range tokens {
			if err := reader.OpenFields(t.Context(), at.Stream.Account, []*es.Personal{&tokens[i]}); err != nil || !tokens[i].IsErased() {
				t.Fatalf("round %d: a token reads %q, %v", round, tokens[i], err)
			}
		}
	}
}

func TestARotatedMasterKeyReadsEverything(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	path := filepath.Join(t.TempDir(), "master.key")
	key := openKey(t, path)
	unaware := vaultOf(t, db, openKey(t, path), vault.Config{}) // a process that started before the rotation
	v := vaultOf(t, db, key, vault.Config{})
	var at []es.Envelope
	var sealed []moved
	for i := range 20 {
		at = append(at, envelope(1))
		sealed = append(sealed, seal(t, v, at[i], moved{Name: es.NewPersonal(fmt.Sprint("person ", i))}))
	}
	claim, derived := claimKey(t, v), key.Derive("postgres role igny8_app")
	if err := key.AddVersion(); err != nil {
		t.Fatal(err)
	}
	var last int
	r, err := v.RotateMaster(t.Context(), func(done int) { last = done })
	if err != nil || r.Subjects != 20 || r.Services != 1 || r.Remaining != 0 || last != 21 {
		t.Fatalf("rotation %+v, progress %d, %v", r, last, err)
	}
	withoutOld := vaultOf(t, db, keepLastVersion(t, path), vault.Config{})
	for name, reader := range map[string]*vault.Vault{
		"the one that rotated": vaultOf(t, db, key, vault.Config{}), "the unaware": unaware, "one without the old version": withoutOld,
	} {
		for i := range at {
			if got := open(t, reader, at[i], sealed[i]); got.Name.String() != fmt.Sprint("person ", i) {
				t.Errorf("%s reads %q", name, got.Name)
			}
		}
		if !bytes.Equal(claimKey(t, reader), claim) {
			t.Errorf("%s gives other claim keys", name)
		}
	}
	if !bytes.Equal(openKey(t, path).Derive("postgres role igny8_app"), derived) {
		t.Error("a rotation changed what is derived")
	}
	again, err := v.RotateMaster(t.Context(), nil)
	if err != nil || again.Subjects != 0 || again.Services != 0 {
		t.Errorf("a repeat did something: %+v, %v", again, err)
	}
}

func TestClaimKeysTellValuesAndScopesApart(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	seen := map[string]string{}
	for _, in := range [][2]string{{"identity.email", "a@b.c"}, {"identity.email", "a@b.d"}, {"identity.emaila", "@b.c"}, {"identity.phone", "a@b.c"}} {
		key, err := v.ClaimKey(t.Context(), in[0], in[1])
		if err != nil || len(key) != 32 {
			t.Fatalf("%x, %v", key, err)
		}
		if earlier := seen[string(key)]; earlier != "" {
			t.Errorf("%q and %q have one key", earlier, in)
		}
		seen[string(key)] = fmt.Sprint(in)
	}
}

func TestManyProcessesMakeOneLastingKey(t *testing.T) {
	t.Parallel()
	db, key := pgtest.New(t), masterKey(t)
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i] = claimKey(t, vaultOf(t, db, key, vault.Config{})) })
	}
	wg.Wait()
	for i := range keys {
		if !bytes.Equal(keys[i], keys[0]) {
			t.Fatal("two processes have different keys")
		}
	}
	if made, err := vaultOf(t, db, key, vault.Config{}).ServiceKeys(t.Context(), "claims"); err != nil || len(made) != 1 {
		t.Errorf("%d keys were made, %v", len(made), err)
	}
}

func TestBytesOpenForTheirPurposeOnly(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	account := uuid.New()
	sealed, err := v.SealBytes(t.Context(), account, account, "answer", []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.OpenBytes(t.Context(), account, account, "answer", sealed); err != nil || string(got) != "body" {
		t.Errorf("it reads %q, %v", got, err)
	}
	if got, err := v.OpenBytes(t.Context(), account, account, "another", sealed); err == nil {
		t.Errorf("for another purpose it reads %q", got)
	}
	if _, err := v.Erase(t.Context(), account, account); err != nil {
		t.Fatal(err)
	}
	if _, err := v.OpenBytes(t.Context(), account, account, "answer", sealed); es.ClassOf(err) != es.Gone {
		t.Errorf("after the erasure: %v", err)
	}
}

func TestOnlyTheAppenderSeesKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, table := range []string{"subject_keys", "service_keys"} {
		for _, role := range []postgres.Role{postgres.RoleApp, postgres.RoleLogin} {
			if _, err := pool(t, db, role).Exec(t.Context(), "SELECT FROM "+table); err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s reads %s: %v", role, table, err)
			}
		}
	}
}

func TestASealedFieldIsNotSealedAgain(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	at := envelope(1)
	sealed := seal(t, v, at, moved{Name: es.NewPersonal("Ada")})
	if _, err := v.Seal(t.Context(), at, sealed); err == nil {
		t.Error("a token from elsewhere was taken over")
	}
}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Fatal(args ...any)
	Helper()
	Context() context.Context
}

func seal(t tester, v *vault.Vault, at es.Envelope, e moved) moved {
	t.Helper()
	sealed, err := v.Seal(t.Context(), at, e)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := sealed.(moved)
	return m
}

func open(t tester, v *vault.Vault, at es.Envelope, e moved) moved {
	t.Helper()
	opened, err := v.OpenWritten(t.Context(), at.Stream.Account, []commands.Written{{Envelope: at, Event: e}})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := opened[0].(moved)
	loose, err := v.Open(t.Context(), at.Stream.Account, []es.Event{e, nil})
	if err != nil || loose[1] != nil {
		t.Fatal(loose, err)
	}
	if l, _ := loose[0].(moved); !l.Name.Equal(m.Name) {
		t.Fatal("Open and OpenWritten differ:", l, m)
	}
	return m
}

func envelope(revision int64) es.Envelope {
	return es.Envelope{
		Stream:   es.StreamID{Account: uuid.New(), Kind: "test.person", ID: uuid.New()},
		Revision: revision, Type: "test.person.moved.v1",
	}
}

func claimKey(t *testing.T, v *vault.Vault) []byte {
	t.Helper()
	key, err := v.ClaimKey(t.Context(), "identity.email", "ada@example.org")
	if err != nil {
		t.Error(err)
	}
	return key
}

func newVault(t *testing.T) *vault.Vault {
	t.Helper()
	return vaultOf(t, pgtest.New(t), masterKey(t), vault.Config{})
}

func vaultOf(t *testing.T, db *pgtest.DB, key *vault.MasterKey, c vault.Config) *vault.Vault {
	t.Helper()
	return vault.New(pool(t, db, postgres.RoleAppender), key, c)
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

func masterKey(t *testing.T) *vault.MasterKey {
	t.Helper()
	return openKey(t, filepath.Join(t.TempDir(), "master.key"))
}

func openKey(t *testing.T, path string) *vault.MasterKey {
	t.Helper()
	key, err := vault.OpenMasterKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
