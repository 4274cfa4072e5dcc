package retentiontest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/tenancy"
)

func TestAnErasedPersonStaysErasedWhenABackupIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user, other := w.user("ada@example.org"), w.user("bob@example.org")
	w.do(other, commands.Restore{Kind: identity.UserKind.Name})
	exec := func(sql string) {
		t.Helper()
		_, err := w.root.Exec(t.Context(), sql)
		w.must(err)
	}
	exec(`CREATE TABLE old_keys AS SELECT * FROM subject_keys; CREATE TABLE old_credentials AS SELECT * FROM credentials;
		CREATE TABLE old_log AS SELECT * FROM event_log`)
	w.forward(15 * day)
	w.swept()
	w.blanked()
	log, err := os.ReadFile(w.erasureLog())
	w.must(err)
	for _, secret := range []string{"Ada", "Lovelace", "example.org"} {
		if strings.Contains(string(log), secret) {
			t.Errorf("the erasure log holds %q", secret)
		}
	}
	exec(`ALTER TABLE subject_keys DISABLE TRIGGER ALL; DELETE FROM subject_keys; INSERT INTO subject_keys SELECT * FROM old_keys;
		ALTER TABLE subject_keys ENABLE TRIGGER ALL;
		INSERT INTO credentials SELECT * FROM old_credentials ON CONFLICT DO NOTHING;
		UPDATE event_log l SET data = o.data, salt = o.salt FROM old_log o WHERE o.pos = l.pos`)

	// As it would be served from the restored database.
	names := func() (ada, bob string) {
		t.Helper()
		fresh, err := open(w.pool, w.dir, nil)
		w.must(err)
		defer fresh.close()
		page, err := fresh.log.Read(t.Context(), 0, es.Filter{Account: w.account, Types: []string{"identity.user.registered.v1"}}, 10)
		w.must(err)
		for _, rec := range page.Events {
			e, err := w.admin.Registry.Decode(rec)
			w.must(err)
			opened, err := fresh.vault.Open(t.Context(), w.account, []es.Event{e})
			w.must(err)
			name := opened[0].(identity.UserRegistered).FirstName.String()
			if rec.Stream.ID == user {
				ada = name
			} else {
				bob = name
			}
		}
		return ada, bob
	}
	if ada, _ := names(); ada != "Ada" {
		t.Fatalf("the backup does not bring back what was erased (%q), so nothing is proved", ada)
	}
	restored, err := open(w.pool, w.dir, nil)
	w.must(err)
	defer restored.close()
	for _, want := range []int{1, 0} {
		erased, held, err := restored.erasure().Reapply(t.Context())
		if err != nil || erased != want || held != 0 {
			t.Errorf("erased %d again, want %d, %d held, %v", erased, want, held, err)
		}
	}
	if ada, bob := names(); ada != es.Erased || bob != "Ada" {
		t.Errorf("after it the names read %q and %q", ada, bob)
	}
	if n := w.count(`SELECT count(*) FROM credentials WHERE user_id = $1`, user); n != 0 {
		t.Error("the password is back")
	}
}

func TestAPurgedAccountErasesEverybodyInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.user("ada@example.org")
	w.do(user, commands.Restore{Kind: identity.UserKind.Name})
	_, err := w.vault.SealBytes(t.Context(), w.account, w.account, "answer", []byte("x"))
	w.must(err)
	w.do(w.account, commands.Delete{Kind: tenancy.AccountKind.Name})
	w.forward(15 * day)
	if s := w.swept(); s.Purged != 1 {
		t.Errorf("the sweep came to %+v", s)
	}
	w.blanked()
	if n := w.count(`SELECT count(*) FROM subject_keys WHERE account_id = $1 AND state = 'active'`, w.account); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	if n := w.count(`SELECT count(*) FROM credentials WHERE account_id = $1`, w.account); n != 0 {
		t.Errorf("%d passwords are left", n)
	}
	receipts, err := w.erasure().Receipts.All(t.Context())
	if err != nil || len(receipts) != 2 {
		t.Errorf("%d receipts, %v", len(receipts), err)
	}
	if _, err := w.bus.Do(t.Context(), commands.Request{
		Tenant: es.Tenant{Account: es.PlatformAccount}, Target: es.PlatformAccount, Actor: es.System(),
		Payload: commands.Delete{Kind: tenancy.AccountKind.Name},
	}); es.ClassOf(err) == es.Internal || err == nil {
		t.Errorf("deleting the platform's account: %v", err)
	}
	w.same()
}
