package tasks_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tasks"
	"github.com/igny8/igny8/infra/postgres"
	store "github.com/igny8/igny8/infra/tasks"
)

func TestNobodysQueueKeepsOthersWaiting(t *testing.T) {
	t.Parallel()
	big := uuid.New()
	var begun atomic.Int64
	began := make(chan es.ID, 100)
	k := tasks.Declare("test.fair", commands.InAccount, time.Minute, doing(func(_ context.Context, run *tasks.Run, _ input) (output, error) {
		if run.Tenant.Account != big {
			began <- run.Tenant.Account
			return output{}, nil
		}
		begun.Add(1)
		time.Sleep(5 * time.Millisecond) // work, of which there is always more.
		return output{}, nil
	}))
	r := newRig(t, k)
	r.queueMany(k, big, 600)
	r.react()
	r.until("most of them wait", func() bool { return r.rows("waiting") == 600 })
	r.worker(r.config())
	r.until("they are worked on", func() bool { return begun.Load() > 20 })
	for range 10 {
		account, before := uuid.New(), begun.Load()
		r.queue(k, account, input{})
		if <-began != account {
			t.Fatal("another account's began")
		}
		if n := begun.Load() - before; n > 100 {
			t.Errorf("%d of the other account's tasks came first", n)
		}
	}
	if left := r.rows("waiting"); left == 0 {
		t.Error("nothing of the long queue was left to wait for: the test shows nothing")
	}
}

// seat is a place at the queue of the rig.
func (r *rig) seat(lease time.Duration) tasks.Seat {
	r.Helper()
	seat, err := store.NewQueue(r.db.Pool(postgres.RoleProjector), lease).Join(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(seat.Leave)
	return seat
}

func (r *rig) claim(s tasks.Seat, c tasks.Claim) []tasks.Lease {
	r.Helper()
	for _, k := range r.kinds {
		c.Kinds = append(c.Kinds, k.Name)
	}
	leases, err := s.Claim(context.Background(), c)
	if err != nil {
		r.Fatal(err)
	}
	return leases
}

func TestAccountsTakeTurnsUpToTheirCapAndSlotsAreKeptForTheIdle(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	first, second := uuid.New(), uuid.New()
	r.queueMany(k, first, 10)
	r.queueMany(k, second, 10)
	r.until("all wait", func() bool { return r.rows("waiting") == 20 })
	s := r.seat(time.Minute)
	of := func(leases []tasks.Lease) (n map[es.ID]int) {
		n = map[es.ID]int{}
		for _, l := range leases {
			n[l.Tenant.Account]++
		}
		return n
	}
	if n := of(r.claim(s, tasks.Claim{Free: 4, PerAccount: 3})); n[first] != 2 || n[second] != 2 {
		t.Errorf("four slots went to %v", n)
	}
	if n := of(r.claim(s, tasks.Claim{Free: 10, PerAccount: 3})); n[first] != 1 || n[second] != 1 {
		t.Errorf("up to the cap of three went %v", n)
	}
	idle := uuid.New()
	r.queueMany(k, idle, 3)
	r.until("the idle one's wait", func() bool { return r.rows("waiting") == 17 })
	leases := r.claim(s, tasks.Claim{Free: 2, Kept: 2, PerAccount: 10})
	if n := of(leases); n[idle] != 1 || len(leases) != 1 || !leases[0].Idle {
		t.Errorf("kept slots went to %v", n)
	}
}

func TestManyWorkersNeverPassAnAccountsCap(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	account := uuid.New()
	r.queueMany(k, account, 40)
	r.until("all wait", func() bool { return r.rows("waiting") == 40 })
	var (
		wait  sync.WaitGroup
		taken atomic.Int64
	)
	for range 6 {
		s := r.seat(time.Minute)
		wait.Go(func() {
			for range 5 {
				taken.Add(int64(len(r.claim(s, tasks.Claim{Free: 3, PerAccount: 7}))))
			}
		})
	}
	wait.Wait()
	if taken.Load() != 7 {
		t.Errorf("%d tasks run under a cap of 7", taken.Load())
	}
}

func TestWhatALostLeaseWritesIsRefused(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	account := uuid.New()
	task := r.queue(k, account, input{})
	r.until("it waits", func() bool { return r.rows("waiting") == 1 })
	frozen, other := r.seat(time.Millisecond), r.seat(time.Minute)
	lost := r.claim(frozen, tasks.Claim{Free: 1, PerAccount: 1})[0]
	ctx := context.Background()
	r.until("the lease ends", func() bool {
		freed, err := other.FreeLost(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return freed == 1
	})
	refused := func(when string) {
		t.Helper()
		for what, err := range map[string]error{
			"save":   frozen.Keep(ctx, lost, tasks.SavedPart, []byte(`1`)),
			"out":    frozen.Keep(ctx, lost, tasks.OutPart, []byte(`1`)),
			"ending": frozen.Keep(ctx, lost, tasks.EndingPart, []byte(`1`)),
			"retry":  frozen.Retry(ctx, lost, 0, false), "bury": frozen.Bury(ctx, lost, false), "remove": frozen.Remove(ctx, lost),
		} {
			if !errors.Is(err, tasks.ErrLost) {
				t.Errorf("%s, %s: %v", what, when, err)
			}
		}
		mine, err := frozen.Beat(ctx, []tasks.Beat{{Account: account, Task: task, Attempt: lost.Attempt}})
		if err != nil || len(mine) != 0 {
			t.Errorf("renewed %s: %v, %v", when, mine, err)
		}
	}
	refused("while it waits")
	now := r.claim(other, tasks.Claim{Free: 1, PerAccount: 1})[0]
	if now.Attempt != lost.Attempt+1 || now.Saved != nil || now.Out != nil {
		t.Errorf("the next attempt is %+v", now)
	}
	refused("while another has it")
	if err := other.Remove(ctx, now); err != nil {
		t.Error(err)
	}
}

func TestARedeliveredEventChangesNothing(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	account := uuid.New()
	stop := r.worker(r.config())
	task := r.queue(k, account, input{N: 1})
	r.ended(account, task)
	r.until("its row is gone", func() bool { return r.rows("running") == 0 })
	stop()
	r.react()
	r.react()
	other := r.queue(k, account, input{N: 2})
	r.until("the others' events came", func() bool { return r.rows("waiting") > 0 })
	time.Sleep(50 * time.Millisecond) // for what must not happen.
	if n := r.rows("waiting"); n != 1 {
		t.Errorf("%d tasks wait, and only %s should", n, other)
	}
}

func TestTwoWorkersNeverBothTakeEffect(t *testing.T) {
	t.Parallel()
	var applied sync.Map
	k := tasks.Declare("test.once", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Apply: func(_ context.Context, run *tasks.Run, in input, _ output) (any, error) {
			n, _ := applied.LoadOrStore(run.Task, new(atomic.Int32))
			n.(*atomic.Int32).Add(1)
			return in, nil
		},
	})
	r := newRig(t, k)
	r.react()
	for range 3 {
		r.worker(r.config())
	}
	account := uuid.New()
	ids := r.queueMany(k, account, 100)
	for _, id := range ids {
		r.ended(account, id)
		if story := r.types(account, id); story != "queued started succeeded" {
			t.Errorf("%s: %s", id, story)
		}
		if n, _ := applied.Load(id); n == nil || n.(*atomic.Int32).Load() != 1 {
			t.Errorf("%s was applied otherwise than once", id)
		}
	}
}

func TestTheTableIsClosedBetweenAccounts(t *testing.T) {
	t.Parallel()
	k := double()
	r := newRig(t, k)
	r.react()
	account := uuid.New()
	r.queue(k, account, input{})
	r.until("it waits", func() bool { return r.rows("waiting") == 1 })
	app := r.db.Pool(postgres.RoleApp)
	count := func(row pgx.CollectableRow) (n int, err error) { return n, row.Scan(&n) }
	for who, want := range map[es.ID]int{account: 1, uuid.New(): 0} {
		n, err := postgres.QueryOneInAccount(t.Context(), app, who, count, `SELECT count(id)::int FROM tasks`)
		if err != nil || n != want {
			t.Errorf("%d rows, want %d (%v)", n, want, err)
		}
	}
	if _, err := app.Exec(t.Context(), `SELECT input FROM tasks`); err == nil {
		t.Error("the application reads what tasks are asked with")
	}
	for _, role := range []postgres.Role{postgres.RoleApp, postgres.RoleLogin, postgres.RoleAppender, postgres.RolePlatform} {
		for _, sql := range []string{`DELETE FROM tasks`, `SELECT * FROM task_accounts`, `SELECT free_lost_tasks()`} {
			if _, err := r.db.Pool(role).Exec(t.Context(), sql); err == nil {
				t.Errorf("%s may %s", role, sql)
			}
		}
	}
}

func TestWhereverAWorkerDiesTheTaskComesToTheSameEnd(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"started", "done", "kept", "applied", "decided", "ending", "ended"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			var outs, endings sync.Map
			var work atomic.Int32
			k := tasks.Declare("test.cut", commands.InAccount, time.Minute, tasks.Work[input, output]{
				Do: func(context.Context, *tasks.Run, input) (output, error) { return output{Sum: int(work.Add(1))}, nil },
				Apply: func(_ context.Context, _ *tasks.Run, _ input, out output) (any, error) {
					outs.Store(out.Sum, true)
					return out, nil
				},
				Ended: func(_ context.Context, _ *tasks.Run, _ input, state domain.State) error {
					endings.Store(state, true)
					return nil
				},
			})
			r := newRig(t, k)
			r.react()
			died := make(chan struct{})
			cut := r.config()
			cut.Queue = store.NewQueue(r.db.Pool(postgres.RoleProjector), 100*time.Millisecond)
			cut.Lease = time.Hour // it does not renew: it is dead.
			cut.Slots = 1
			var once sync.Once
			cut.Step = func(name string) {
				if name == step {
					once.Do(func() { close(died) })
					select {} // for ever: nothing it would have done happens.
				}
			}
			go func() { _ = tasks.NewWorker(cut).Run(context.Background()) }()
			account := uuid.New()
			task := r.queue(k, account, input{})
			<-died
			c := r.config()
			c.Bell = tasks.NewBell()
			c.Poll = 5 * time.Millisecond
			r.worker(c)
			last, state := r.ended(account, task)
			r.until("its row is gone", func() bool { return r.rows("running")+r.rows("waiting")+r.rows("dead") == 0 })
			if state != domain.Succeeded {
				t.Fatalf("%s: %s", state, r.types(account, task))
			}
			result := text(last.(domain.TaskSucceeded).Result)
			applied := 0
			outs.Range(func(any, any) bool { applied++; return true })
			if applied != 1 {
				t.Errorf("%d different results were applied", applied)
			}
			if slices.Contains([]string{"kept", "applied", "decided", "ending", "ended"}, step) && result != `{"sum":1}` {
				t.Errorf("after what was kept the result is %s", result)
			}
		})
	}
}
