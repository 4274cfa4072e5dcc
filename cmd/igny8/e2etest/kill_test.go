package e2etest_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

func TestNothingAcknowledgedIsLostOrDoubledWhenIgny8IsKilled(t *testing.T) {
	t.Parallel()
	// A dead holder's Idempotency-Key is free after the time of a request.
	i := e2etest.Install(t, program, "IGNY8_REQUEST_TIMEOUT=2s").Start()
	l := work(t, i, 4)
	groves := l.groves()
	const kills = 5
	for range kills {
		l.goesOn()
		i.Kill()
		i.Start()
	}
	l.goesOn()
	if took := i.Stop(); took > 10*time.Second {
		t.Errorf("in the midst of work it stopped only after %s", took)
	}
	i.Start()
	l.goesOn()
	l.finish()
	requests := l.check()
	for _, g := range groves {
		g.whole(t)
	}
	events := proved(t, i)
	t.Logf("%d requests and %d events over %d kills", requests, events, kills)
}

func TestNothingAcknowledgedIsLostOrDoubledWhenPostgresIsKilled(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program, "IGNY8_REQUEST_TIMEOUT=2s").Start()
	i.Allow("PostgreSQL ended by itself", "an idempotency key was not settled", "a reaction failed and is tried again")
	l := work(t, i, 2)
	groves := l.groves()
	const kills = 3
	for range kills {
		l.goesOn()
		for _, pid := range i.Postgres() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // some are gone with their parent by now.
		}
	}
	l.goesOn()
	l.finish()
	requests := l.check()
	for _, g := range groves {
		g.whole(t)
	}
	events := proved(t, i)
	t.Logf("%d requests and %d events over %d kills of Postgres", requests, events, kills)
}
