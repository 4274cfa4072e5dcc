package tasks_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
	"github.com/igny8/igny8/domain/tasks"
)

// ask is a decision as a command.
type ask func(es.Env, tasks.Task) ([]es.Event, error)

// Decide decides.
func (a ask) Decide(env es.Env, t tasks.Task) ([]es.Event, error) { return a(env, t) }

func queue(attempts int) ask {
	return func(env es.Env, t tasks.Task) ([]es.Event, error) {
		return t.Queue(env, "test.work", json.RawMessage(`{"n":1}`), attempts, time.Minute)
	}
}

func start(n int) ask {
	return func(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.Start(n) }
}

func succeed(n int) ask {
	return func(_ es.Env, t tasks.Task) ([]es.Event, error) {
		return t.Succeed(n, json.RawMessage(`{"m":2}`), 3)
	}
}

func fail(n int, final bool) ask {
	return func(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.Fail(n, "internal", "Sorry.", final) }
}

func timeOut(n int, final bool) ask {
	return func(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.TimeOut(n, final) }
}

func requestCancel(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.RequestCancel() }
func stop(_ es.Env, t tasks.Task) ([]es.Event, error)          { return t.Cancel() }
func replay(_ es.Env, t tasks.Task) ([]es.Event, error)        { return t.Replay() }

var (
	queued  = tasks.TaskQueued{Kind: "test.work", Input: json.RawMessage(`{"n":1}`), Attempts: 3, LimitMillis: 60_000}
	started = tasks.TaskStarted{Attempt: 1}
	died    = tasks.TaskFailed{Attempt: 1, Code: "internal", Message: "Sorry.", Final: true}
	wished  = tasks.TaskCancelRequested{}
)

func TestNothingIsQueuedWithoutAnAccountAKindALimitAndAttempts(t *testing.T) {
	t.Parallel()
	estest.Given(t, tasks.Kind).When(queue(3)).Then(queued)
	estest.Given(t, tasks.Kind).When(queue(0)).ThenFaulty("attempts")
	estest.Given(t, tasks.Kind).InTenant(es.Tenant{}).When(queue(1)).ThenFaulty("account_id")
	estest.Given(t, tasks.Kind).When(ask(func(env es.Env, t tasks.Task) ([]es.Event, error) {
		return t.Queue(env, "", make(json.RawMessage, tasks.MostInput+1), 1, 0)
	})).ThenFaulty("kind", "limit", "input")
}

func TestAnAttemptThatIsOverChangesNothing(t *testing.T) {
	t.Parallel()
	again := tasks.TaskStarted{Attempt: 2}
	for _, late := range []ask{start(1), succeed(1), fail(1, true), timeOut(1, false)} {
		estest.Given(t, tasks.Kind, queued, started, again).When(late).ThenRefused(es.Conflict, "stale_attempt")
	}
	estest.Given(t, tasks.Kind, queued, started, tasks.TaskFailed{Attempt: 1}).When(succeed(1)).ThenRefused(es.Conflict, "stale_attempt")
	estest.Given(t, tasks.Kind, queued, started, again).When(succeed(2)).
		Then(tasks.TaskSucceeded{Attempt: 2, Result: json.RawMessage(`{"m":2}`), Done: 3})
}

func TestOnlyWhatIsDeadIsReplayed(t *testing.T) {
	t.Parallel()
	estest.Given(t, tasks.Kind, queued, started, died).When(ask(replay)).Then(tasks.TaskReplayed{Attempts: 3})
	estest.Given(t, tasks.Kind, queued, started, tasks.TaskTimedOut{Attempt: 1, Final: true}).When(ask(replay)).Then(tasks.TaskReplayed{Attempts: 3})
	estest.Given(t, tasks.Kind, queued, started, died, tasks.TaskReplayed{Attempts: 3}).When(ask(replay)).ThenNothing()
	estest.Given(t, tasks.Kind, queued, wished, tasks.TaskCancelled{}).When(ask(replay)).ThenRefused(es.Conflict, "ended")
}

func TestACancelIsAskedForAndThenDone(t *testing.T) {
	t.Parallel()
	estest.Given(t, tasks.Kind, queued, started).When(ask(requestCancel)).Then(wished)
	estest.Given(t, tasks.Kind, queued, wished).When(ask(requestCancel)).ThenNothing()
	estest.Given(t, tasks.Kind, queued, started).When(ask(stop)).ThenRefused(es.Conflict, "not_cancelled")
	estest.Given(t, tasks.Kind, queued, started, wished).When(ask(stop)).Then(tasks.TaskCancelled{Attempt: 1})
	estest.Given(t, tasks.Kind, queued, started, wished).When(succeed(1)).
		Then(tasks.TaskSucceeded{Attempt: 1, Result: json.RawMessage(`{"m":2}`), Done: 3})
	estest.Given(t, tasks.Kind, queued, started, died).When(ask(requestCancel)).ThenRefused(es.Conflict, "ended")
}

// Whatever comes in whatever order: attempts only go up, a result is the current
// attempt's, what ended stays so unless it is dead and replayed, and a cancel is
// never there without a wish.
func TestTheStatesFollowEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state, _ := tasks.Kind.Zero().(tasks.Task)
		env := es.Env{Tenant: es.Tenant{Account: estest.Account}, Now: estest.Now}
		revision := int64(0)
		record := func(events []es.Event) {
			for _, e := range events {
				revision++
				state, _ = tasks.Kind.Fold(state, es.Envelope{
					Revision: revision, Stream: es.StreamID{Account: estest.Account, Kind: tasks.Kind.Name, ID: estest.Target},
				}, e).(tasks.Task)
			}
		}
		events, err := queue(rapid.IntRange(1, 4).Draw(t, "attempts"))(env, state)
		if err != nil {
			t.Fatal(err)
		}
		record(events)
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			n, final := rapid.IntRange(0, 6).Draw(t, "attempt"), rapid.Bool().Draw(t, "final")
			asked := []ask{start(n), succeed(n), fail(n, final), timeOut(n, final), requestCancel, stop, replay}
			before := state
			what := asked[rapid.IntRange(0, len(asked)-1).Draw(t, "what")]
			events, err := what(env, state)
			if again, errAgain := what(env, state); !reflect.DeepEqual(again, events) || (errAgain == nil) != (err == nil) {
				t.Fatal("the same again is decided otherwise")
			}
			if err != nil && len(events) > 0 {
				t.Fatal("refused, with events")
			}
			record(events)
			if state.Attempts < before.Attempts {
				t.Fatalf("attempts went from %d to %d", before.Attempts, state.Attempts)
			}
			for _, e := range events {
				replayed := false
				switch e := e.(type) {
				case tasks.TaskStarted:
					if e.Attempt <= before.Attempts {
						t.Fatalf("attempt %d began after %d", e.Attempt, before.Attempts)
					}
				case tasks.TaskSucceeded:
					if e.Attempt != before.Attempts || before.State != tasks.Running {
						t.Fatalf("attempt %d succeeded in %+v", e.Attempt, before)
					}
				case tasks.TaskCancelled:
					if !before.Cancelling {
						t.Fatal("cancelled, and nobody wished it")
					}
				case tasks.TaskReplayed:
					replayed = before.State.Dead()
				}
				if before.State.Ended() && !replayed {
					t.Fatalf("%T after the end as %s", e, before.State)
				}
			}
			if state.State.Ended() && state.Cancelling {
				t.Fatal("ended, and still to be cancelled")
			}
		}
	})
}
