package tasks

import (
	"encoding/json"
	"fmt"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
)

// Request makes the command that asks for a task of the kind: within r's tenant,
// by its actor, traced by its ids; r.Payload is ignored. The task's id, which is
// the job's, is r.Target, or else derives from r.Command. Any commands.Bus takes
// it. Errors: es.Forbidden below the kind's least role.
func (k Kind) Request(r commands.Request, in any) (commands.Request, error) {
	if !r.Actor.Role.AtLeast(k.Least) {
		return r, es.Refuse(es.Forbidden, "", "This needs the role %s or a higher one.", k.Least)
	}
	input, err := json.Marshal(in)
	if err != nil {
		return r, fmt.Errorf("input of a task %s: %w", k.Name, err)
	}
	if r.Command == (es.ID{}) {
		r.Command = commands.NewID()
	}
	if r.Target == (es.ID{}) {
		r.Target = es.Derive(r.Command, "task "+k.Name, 0)
	}
	r.Payload = queueTask{kind: k, input: input}
	return r, nil
}

// queueTask asks for a task. Only a Kind makes one, so that none is without a
// limit.
type queueTask struct {
	kind  Kind
	input json.RawMessage
}

// Operation is the kind's name.
func (c queueTask) Operation() string { return c.kind.Name }

// Decide queues it.
func (c queueTask) Decide(env es.Env, t tasks.Task) ([]es.Event, error) {
	return t.Queue(env, c.kind.Name, c.input, c.kind.Attempts, c.kind.Limit)
}

// Cancel asks to stop a task. It ends as soon as who works on it lets go; what
// is done by then stays done. Again it changes nothing; es.Conflict "ended" where
// it ended otherwise.
type Cancel struct{}

// Decide asks for it.
func (Cancel) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.RequestCancel() }

// Replay has a dead task tried again, from what its attempts kept. Again it
// changes nothing; es.Conflict "ended" where it succeeded or was cancelled.
type Replay struct{}

// Decide queues it again.
func (Replay) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.Replay() }

// The rest is what workers record.

type start struct{ attempt int }

func (c start) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.Start(c.attempt) }

type succeed struct {
	attempt int
	result  json.RawMessage
	done    int64
}

func (c succeed) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) {
	return t.Succeed(c.attempt, c.result, c.done)
}

type fail struct {
	attempt       int
	code, message string
	final         bool
}

func (c fail) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) {
	return t.Fail(c.attempt, c.code, c.message, c.final)
}

type timeOut struct {
	attempt int
	final   bool
}

func (c timeOut) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) {
	return t.TimeOut(c.attempt, c.final)
}

type stop struct{}

func (stop) Decide(_ es.Env, t tasks.Task) ([]es.Event, error) { return t.Cancel() }

// Ops are what can be asked of tasks: one operation for each kind, by its name,
// with its least role and place, and what can be asked of all of them.
func Ops(kinds ...Kind) []commands.Op {
	ops := []commands.Op{
		commands.On[Cancel](tasks.Kind, "cancel", es.Editor),
		commands.On[Replay](tasks.Kind, "replay", es.Editor),
		commands.On[start](tasks.Kind, "start", es.Developer),
		commands.On[succeed](tasks.Kind, "succeed", es.Developer),
		commands.On[fail](tasks.Kind, "fail", es.Developer),
		commands.On[timeOut](tasks.Kind, "time_out", es.Developer),
		commands.On[stop](tasks.Kind, "stop", es.Developer),
	}
	for _, k := range kinds {
		ops = append(ops, commands.Create[queueTask](tasks.Kind, k.Least, k.Place).Named(k.Name, k.Least, k.Place))
	}
	return ops
}
