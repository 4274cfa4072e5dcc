package retentiontest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	people "github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/infra/erasures"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// The environment of a process that purges until it is killed.
const (
	childDatabase = "TEST_OF_IGNY8_RETENTION_DATABASE"
	childFolder   = "TEST_OF_IGNY8_RETENTION_FOLDER"
	childStep     = "TEST_OF_IGNY8_RETENTION_STEP"
)

func purgeUntilKilled() {
	fail := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	db, err := postgres.Open(context.Background(), postgres.Options{URL: os.Getenv(childDatabase), MasterKey: pgtest.MasterKey()})
	fail(err)
	var (
		times int
		name  string
		mu    sync.Mutex
	)
	_, err = fmt.Sscanf(os.Getenv(childStep), "%d %s", &times, &name)
	fail(err)
	passed := 0
	p, err := open(func(r postgres.Role) *pgxpool.Pool { return db.Pool(r) }, os.Getenv(childFolder), func(step string) {
		mu.Lock()
		defer mu.Unlock()
		if dashed(step) != name {
			return
		}
		if passed++; passed == times {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	fail(err)
	p.forward(15 * day)
	_, err = p.sweep(context.Background())
	fail(err)
	_, err = p.blank(context.Background())
	fail(err)
}

// dashed is a step's name as one word.
func dashed(step string) string {
	text := []byte(step)
	for i := range text {
		if text[i] == ' ' {
			text[i] = '-'
		}
	}
	return string(text)
}

// user makes a user with a password and a session, and soft-deletes them.
func (w *world) user(email string) es.ID {
	w.Helper()
	id := commands.NewID()
	_, err := w.words.Create(w.Context(), w.account, id, "analytical engine")
	w.must(err)
	w.do(id, people.RegisterUser{NewUser: identity.NewUser{Email: email, FirstName: "Ada", LastName: "Lovelace", Role: es.Editor}})
	_, err = w.tokens.Issue(w.Context(), w.account, id, commands.NewID())
	w.must(err)
	w.do(id, commands.Delete{Kind: identity.UserKind.Name})
	return id
}

func TestAPurgeThatIsKilledBetweenTwoStepsEndsTheSame(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"1 prepared", "1 appended", "1 collected", "1 followed-up", "2 stream-blanked", "1 blanked", "1 done"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := append(w.keywords(3), w.user("ada@example.org"))
			w.settle()
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
			cmd.Env = append(os.Environ(), childDatabase+"="+w.db.AdminURL, childFolder+"="+w.dir, childStep+"="+step)
			cmd.Stderr = os.Stderr
			_ = cmd.Run()
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("it was to be killed, but: %s", cmd.ProcessState)
			}
			w.forward(15 * day)
			w.swept()
			w.blanked()
			w.ended(ids)
		})
	}
}

// ended fails unless each aggregate was purged once, of its events nothing is
// left, and of the last one, a user, nothing at all.
func (w *world) ended(ids []es.ID) {
	w.Helper()
	user := ids[len(ids)-1]
	if n := w.count(`SELECT count(*) FROM event_log WHERE type LIKE '%.purged.v1'`); n != len(ids) {
		w.Errorf("%d Purged events, want %d", n, len(ids))
	}
	if n := w.left(ids...); n != 0 {
		w.Errorf("%d events have data", n)
	}
	if n := w.count(`SELECT count(*) FROM purges`); n != 0 {
		w.Errorf("%d purges are not done", n)
	}
	if n := w.count(`SELECT count(*) FROM subject_keys WHERE subject = $1 AND state = 'erased'`, user); n != 1 {
		w.Error("the user's key is there")
	}
	if n := w.count(`SELECT count(*) FROM credentials WHERE user_id = $1`, user); n != 0 {
		w.Error("the user's password is there")
	}
	if n := w.count(`SELECT count(*) FROM refresh_families WHERE user_id = $1 AND revoked_at IS NULL`, user); n != 0 {
		w.Error("a session of the user's goes on")
	}
	receipts, err := erasures.New(w.erasureLog()).All(w.Context())
	if err != nil || len(receipts) != 1 || receipts[0].Subject != user || receipts[0].Account != w.account || time.Since(receipts[0].ErasedAt) > time.Minute {
		w.Errorf("the receipts are %+v, %v", receipts, err)
	}
	w.same()
}
