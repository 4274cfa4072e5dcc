package scheduler_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/scheduler"
)

// databaseOf makes this test's program a process that runs a schedule.
const databaseOf = "TEST_OF_IGNY8_SCHEDULER_DATABASE"

func TestMain(m *testing.M) {
	if url := os.Getenv(databaseOf); url != "" {
		tick(url)
	}
	os.Exit(m.Run())
}

// tick leaves its process id in the database whenever it runs its work, until
// it is killed.
func tick(url string) {
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		panic(err)
	}
	s := scheduler.New(scheduler.Config{
		Pool: pool, Tick: 20 * time.Millisecond,
		Works: []scheduler.Work{{Name: "tick", Spec: "@every 1s", Do: func(ctx context.Context, _ scheduler.Run) (string, error) {
			for range 20 { // nearly always at it.
				if _, err := pool.Exec(ctx, `INSERT INTO ticks (pid) VALUES ($1)`, os.Getpid()); err != nil {
					return "", err
				}
				time.Sleep(20 * time.Millisecond)
			}
			return fmt.Sprint(os.Getpid()), nil
		}}},
	})
	panic(s.Run(context.Background()))
}

type process struct {
	t   *testing.T
	cmd *exec.Cmd
}

func start(t *testing.T, db *pgtest.DB) process {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env = append(os.Environ(), databaseOf+"="+db.URL(postgres.RoleProjector))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{t, cmd}
	t.Cleanup(func() { p.signal(syscall.SIGKILL); _ = cmd.Wait() })
	return p
}

func (p process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }
func (p process) pid() int                { return p.cmd.Process.Pid }

func TestAnotherProcessTakesOverFromADeadAndFromAFrozenOne(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), `CREATE TABLE ticks (id bigserial, pid int, at timestamptz DEFAULT clock_timestamp());
		GRANT INSERT ON ticks TO igny8_projector; GRANT USAGE ON ticks_id_seq TO igny8_projector`); err != nil {
		t.Fatal(err)
	}
	count := func(pid int) (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM ticks WHERE pid = $1`, pid).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ticks := func(p process, within time.Duration) time.Duration {
		t.Helper()
		from := time.Now()
		for had := count(p.pid()); count(p.pid()) == had; time.Sleep(5 * time.Millisecond) {
			if time.Since(from) > within {
				t.Fatalf("process %d does nothing after %s", p.pid(), within)
			}
		}
		return time.Since(from)
	}
	one := start(t, db)
	ticks(one, 20*time.Second)
	two := start(t, db)
	time.Sleep(500 * time.Millisecond) // for it to ask in vain.
	if n := count(two.pid()); n > 0 {
		t.Errorf("while one process works, another did %d times", n)
	}

	// A work that is not due yet is waited for at most a second.
	one.signal(syscall.SIGKILL)
	dead := ticks(two, 5*time.Second)

	three := start(t, db)
	time.Sleep(500 * time.Millisecond)
	two.signal(syscall.SIGSTOP)
	frozen := ticks(three, 15*time.Second)
	before := count(two.pid())
	two.signal(syscall.SIGCONT)
	time.Sleep(1500 * time.Millisecond)
	ticks(three, 5*time.Second)
	if late := count(two.pid()) - before; late > 1 {
		t.Errorf("the one that was frozen worked on %d times", late)
	}
	t.Logf("taken over after a kill in %s, after a freeze in %s", dead, frozen)
}
