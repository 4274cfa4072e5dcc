// Package tasks runs work that takes longer than a request: in the background,
// by workers of any process, with progress that people can watch, retries, a
// time limit and an end that is recorded for good. A task is declared with
// Declare, asked for with Queue, and is the same thing that clients see as a job.
package tasks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tasks"
)

// Kind is a declared kind of task, whatever its types are.
type Kind struct {
	// Name is persisted: "planner.import_keywords".
	Name string
	// Least is the least role that may ask for one.
	Least es.Role
	// Place says which of account, site and sector a task of the kind must have.
	Place commands.Place
	// Limit is how long an attempt may take.
	Limit time.Duration
	// Attempts is how often it is tried before it is dead.
	Attempts int

	work  func(ctx context.Context, run *Run, in json.RawMessage) (out json.RawMessage, err error)
	apply func(ctx context.Context, run *Run, in, out json.RawMessage) (result any, err error)
	ended func(ctx context.Context, run *Run, in json.RawMessage, state tasks.State) error
}

// Work says what a kind of task does. In is what it is asked with, Out what it
// works out; both are kept as JSON and hold nothing personal and no secret.
type Work[In, Out any] struct {
	// Least is the least role that may ask for it; "" is editor.
	Least es.Role
	// Attempts is how often it is tried; 0 is 3.
	Attempts int
	// Do works out a result and changes nothing. It ends when ctx does. Nil goes
	// straight to Apply, for work whose commands follow from In alone.
	Do func(ctx context.Context, run *Run, in In) (Out, error)
	// Apply makes commands of what Do gave, which is stored by then: however
	// often it is called, by whichever attempt, it is with the same Out. Its
	// commands are made with Run.Ask, so that a repeat changes nothing. Its
	// result is what the job answers. Nil answers Out.
	Apply func(ctx context.Context, run *Run, in In, out Out) (result any, err error)
	// Ended is called once the task has ended in any state, before that is
	// recorded, and again if it failed: to give back what was reserved.
	Ended func(ctx context.Context, run *Run, in In, state tasks.State) error
}

// Declare declares a kind of task. place says whose it is: no task is without an
// account, and those InSite or InSector carry these too. limit is how long an
// attempt may take. It panics without a name or a limit: that is a mistake in the
// program.
func Declare[In, Out any](name string, place commands.Place, limit time.Duration, w Work[In, Out]) Kind {
	if name == "" || limit <= 0 {
		panic("tasks: a kind needs a name and a time limit: " + name)
	}
	k := Kind{Name: name, Least: w.Least, Place: place, Limit: limit, Attempts: w.Attempts}
	if k.Least == "" {
		k.Least = es.Editor
	}
	if k.Attempts == 0 {
		k.Attempts = 3
	}
	if w.Do != nil {
		k.work = func(ctx context.Context, run *Run, raw json.RawMessage) (json.RawMessage, error) {
			in, err := decode[In](raw)
			if err != nil {
				return nil, err
			}
			out, err := w.Do(ctx, run, in)
			if err != nil {
				return nil, err
			}
			return json.Marshal(out)
		}
	}
	k.apply = func(ctx context.Context, run *Run, rawIn, rawOut json.RawMessage) (any, error) {
		in, err := decode[In](rawIn)
		if err != nil {
			return nil, err
		}
		out, err := decode[Out](rawOut)
		if err != nil || w.Apply == nil {
			return out, err
		}
		return w.Apply(ctx, run, in, out)
	}
	if w.Ended != nil {
		k.ended = func(ctx context.Context, run *Run, raw json.RawMessage, state tasks.State) error {
			in, err := decode[In](raw)
			if err != nil {
				return err
			}
			return w.Ended(ctx, run, in, state)
		}
	}
	return k
}

func decode[T any](raw json.RawMessage) (v T, err error) {
	if len(raw) == 0 {
		return v, nil
	}
	err = json.Unmarshal(raw, &v)
	return v, err
}

// Run is one attempt at a task.
type Run struct {
	// Task is the task's id, which is also the job's.
	Task    es.ID
	Kind    string
	Tenant  es.Tenant
	Attempt int // from 1
	// Request, Correlation and Causation trace the task back to the request that
	// asked for it.
	Request     string
	Correlation es.ID
	Causation   es.ID
	// Position is that of the event which asked for the task: what its asker saw
	// is in every read model that has reached it.
	Position int64

	attempt attempt
}

// attempt is the worker's hold on the task's row, under the attempt's fence.
type attempt interface {
	progress(stage string, done, total int64)
	save(ctx context.Context, state json.RawMessage) error
	saved() json.RawMessage
}

// Progress tells how far the attempt is, for people who watch. It costs nothing
// to call it often; total 0 is unknown.
func (r *Run) Progress(stage string, done, total int64) { r.attempt.progress(stage, done, total) }

// Save keeps a state that the next attempt goes on from, at once. It fails once
// another attempt has the task.
func (r *Run) Save(ctx context.Context, state any) error {
	raw, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return r.attempt.save(ctx, raw)
}

// Saved reads what the last Save of any attempt kept, and says whether there was
// one.
func (r *Run) Saved(into any) (bool, error) {
	raw := r.attempt.saved()
	if len(raw) == 0 {
		return false, nil
	}
	return true, json.Unmarshal(raw, into)
}

// Ask makes a command of the task's, by the product itself within the task's
// tenant, traced to the request that asked for the task. Its id derives from the
// task, purpose and n: the same again changes nothing. It gives way to people
// who wait.
func (r *Run) Ask(payload any, purpose string, n int) commands.Request {
	return commands.Request{
		Tenant: r.Tenant, Actor: es.System(), Command: es.Derive(r.Task, purpose, n),
		Request: r.Request, Correlation: r.Correlation, Causation: r.Causation,
		Payload: payload, Bulk: true,
	}
}
