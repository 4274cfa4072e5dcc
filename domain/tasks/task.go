package tasks

import (
	"encoding/json"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// MostInput bounds what a task is asked with, in bytes. What is larger is kept
// elsewhere and named in the input.
const MostInput = 256 << 10

// Kind is the kind of aggregate that a task is, whatever it does.
var Kind = es.Kind[Task]{
	Name: "tasks.task", Evolve: evolve,
	Events: es.Events(
		TaskQueued{}, TaskStarted{}, TaskSucceeded{}, TaskFailed{}, TaskTimedOut{},
		TaskCancelRequested{}, TaskCancelled{}, TaskReplayed{},
	),
}

// Kinds are the module's kinds of aggregates.
func Kinds() []es.AnyKind { return []es.AnyKind{Kind} }

// Task is work in the background.
type Task struct {
	es.Entity
	Kind  string
	State State
	// Attempts is how often it was begun, over its whole life.
	Attempts int
	// Cancelling says that somebody asked to stop it.
	Cancelling bool

	tries int // that it was queued with
}

func evolve(t *Task, e es.Event) {
	switch e := e.(type) {
	case TaskQueued:
		t.Kind, t.State, t.tries = e.Kind, Queued, e.Attempts
	case TaskStarted:
		t.State, t.Attempts = Running, e.Attempt
	case TaskSucceeded:
		t.State, t.Cancelling = Succeeded, false
	case TaskFailed:
		t.fail(Failed, e.Final)
	case TaskTimedOut:
		t.fail(TimedOut, e.Final)
	case TaskCancelRequested:
		t.Cancelling = true
	case TaskCancelled:
		t.State, t.Cancelling = Cancelled, false
	case TaskReplayed:
		t.State, t.Cancelling = Queued, false
	}
}

func (t *Task) fail(as State, final bool) {
	t.State = Queued
	if final {
		t.State, t.Cancelling = as, false
	}
}

// Queue asks for work of a kind. Every task has an account, a limit and a number
// of attempts.
func (t Task) Queue(env es.Env, kind string, input json.RawMessage, attempts int, limit time.Duration) ([]es.Event, error) {
	faults := es.Faults{}
	if kind == "" {
		faults.Add("kind", "This field is required.")
	}
	if env.Tenant.Account == (es.ID{}) {
		faults.Add("account_id", "This field is required.")
	}
	if attempts < 1 {
		faults.Add("attempts", "At least one is needed.")
	}
	if limit < time.Millisecond {
		faults.Add("limit", "A task needs a time limit.")
	}
	if len(input) > MostInput {
		faults.Add("input", "This may be %d bytes long.", MostInput)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{TaskQueued{Kind: kind, Input: input, Attempts: attempts, LimitMillis: limit.Milliseconds()}}, nil
}

// Start begins an attempt. One before it that has not ended was lost with its
// worker.
func (t Task) Start(attempt int) ([]es.Event, error) {
	switch {
	case t.State.Ended():
		return nil, t.over()
	case attempt <= t.Attempts:
		return nil, stale(attempt)
	}
	return []es.Event{TaskStarted{Attempt: attempt}}, nil
}

// Succeed ends it with a result; done is how much it was, 0 where nobody counted.
func (t Task) Succeed(attempt int, result json.RawMessage, done int64) ([]es.Event, error) {
	if err := t.current(attempt); err != nil {
		return nil, err
	}
	return []es.Event{TaskSucceeded{Attempt: attempt, Result: result, Done: done}}, nil
}

// Fail ends an attempt; unless it is final, another follows.
func (t Task) Fail(attempt int, code, message string, final bool) ([]es.Event, error) {
	if err := t.current(attempt); err != nil {
		return nil, err
	}
	return []es.Event{TaskFailed{Attempt: attempt, Code: code, Message: message, Final: final}}, nil
}

// TimeOut ends an attempt whose time was over; unless it is final, another
// follows.
func (t Task) TimeOut(attempt int, final bool) ([]es.Event, error) {
	if err := t.current(attempt); err != nil {
		return nil, err
	}
	return []es.Event{TaskTimedOut{Attempt: attempt, Final: final}}, nil
}

// RequestCancel asks to stop it. Asking again changes nothing, and neither does
// it where it was stopped already; what ended otherwise cannot be stopped.
func (t Task) RequestCancel() ([]es.Event, error) {
	switch {
	case t.Cancelling, t.State == Cancelled:
		return nil, nil
	case t.State.Ended():
		return nil, t.over()
	}
	return []es.Event{TaskCancelRequested{}}, nil
}

// Cancel ends it as was asked. An attempt that had begun is over by then.
func (t Task) Cancel() ([]es.Event, error) {
	switch {
	case t.State == Cancelled:
		return nil, nil
	case t.State.Ended():
		return nil, t.over()
	case !t.Cancelling:
		return nil, es.Refuse(es.Conflict, "not_cancelled", "Nobody asked to cancel it.")
	}
	return []es.Event{TaskCancelled{Attempt: t.Attempts}}, nil
}

// Replay has a dead task tried again. One that was replayed already is left
// alone.
func (t Task) Replay() ([]es.Event, error) {
	switch {
	case t.State.Dead():
		return []es.Event{TaskReplayed{Attempts: t.tries}}, nil
	case t.State.Ended():
		return nil, t.over()
	}
	return nil, nil
}

func (t Task) current(attempt int) error {
	switch {
	case t.State.Ended():
		return t.over()
	case t.State != Running || attempt != t.Attempts:
		return stale(attempt)
	}
	return nil
}

func (t Task) over() error {
	return es.Refuse(es.Conflict, "ended", "It has ended already: %s.", t.State.words())
}

func stale(attempt int) error {
	return es.Refuse(es.Conflict, "stale_attempt", "Attempt %d is over; another one has the task.", attempt)
}

func (s State) words() string {
	if s == TimedOut {
		return "timed out"
	}
	return string(s)
}
