package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tasks"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	store "github.com/igny8/igny8/infra/tasks"
)

// open is a vault of events that hold nothing personal.
type open struct{}

func (open) Seal(_ context.Context, _ es.Envelope, e es.Event) (es.Event, error) { return e, nil }

func (open) Open(_ context.Context, _ es.ID, events []es.Event) ([]es.Event, error) {
	return events, nil
}

func (open) ClaimKey(_ context.Context, scope, value string) ([]byte, error) {
	return []byte(scope + value), nil
}

// rig is a database with everything between a request and its task's end.
type rig struct {
	testing.TB
	db       *postgres.DB
	events   *eventstore.Store
	log      *eventstore.Log
	registry *es.Registry
	bus      *commands.Bus
	bell     *tasks.Bell
	kinds    []tasks.Kind
}

func newRig(t testing.TB, kinds ...tasks.Kind) *rig {
	t.Helper()
	return openRig(t, pgtest.New(t).Postgres, kinds...)
}

func openRig(t testing.TB, db *postgres.DB, kinds ...tasks.Kind) *rig {
	t.Helper()
	r := &rig{TB: t, db: db, registry: es.NewRegistry(domain.Kind), bell: tasks.NewBell(), kinds: kinds}
	r.events = eventstore.NewStore(db.Pool(postgres.RoleAppender))
	t.Cleanup(r.events.Close)
	r.log = eventstore.NewLog(db.Pool(postgres.RoleProjector), eventstore.WithListener(store.Channel, r.bell.Ring))
	t.Cleanup(r.log.Close)
	r.bus = commands.New(r.events, open{}, r.registry, tasks.Ops(kinds...), commands.Config{})
	return r
}

// background runs until the test ends.
func (r *rig) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	r.Cleanup(stop)
	return stop
}

// react follows the log as the consumer group does.
func (r *rig) react() {
	reactions := tasks.Reactions(store.NewRows(r.db.Pool(postgres.RoleProjector)))
	r.background(func(ctx context.Context) {
		for at := int64(0); ctx.Err() == nil; {
			page, err := r.log.Read(ctx, at, es.Filter{Types: reactions.Types}, 1000)
			if err != nil {
				continue
			}
			var lanes sync.WaitGroup
			for lane := range reactionLanes {
				lanes.Go(func() { r.reactTo(ctx, reactions.React[0], page.Events, lane) })
			}
			lanes.Wait()
			if at = page.Through; len(page.Events) == 0 {
				_, _ = r.log.Wait(ctx, at)
			}
		}
	})
}

// reactionLanes is how many aggregates' events are reacted to at once.
const reactionLanes = 4

// reactTo reacts to the events of every so manieth aggregate, in order.
func (r *rig) reactTo(ctx context.Context, react commands.Reaction, events []es.Recorded, lane int) {
	for _, rec := range events {
		if int(rec.Stream.ID[15])%reactionLanes != lane {
			continue
		}
		e, err := r.registry.Decode(rec)
		if err != nil {
			r.Error(err)
		}
		for react(ctx, rec, e) != nil && ctx.Err() == nil {
		}
	}
}

// config is a worker's that is quick to notice.
func (r *rig) config() tasks.Config {
	return tasks.Config{
		Kinds: r.kinds, Queue: store.NewQueue(r.db.Pool(postgres.RoleProjector), tasks.LeaseTime), Bus: r.bus, Bell: r.bell,
		Logger: slog.New(slog.DiscardHandler), Backoff: func(int) time.Duration { return time.Millisecond },
		Grace: 50 * time.Millisecond,
	}
}

func (r *rig) worker(c tasks.Config) (stop func()) {
	w := tasks.NewWorker(c)
	return r.background(func(ctx context.Context) { _ = w.Run(ctx) })
}

// queue asks for a task of an account.
func (r *rig) queue(k tasks.Kind, account es.ID, in any) es.ID {
	r.Helper()
	request, err := k.Request(commands.Request{
		Tenant: es.Tenant{Account: account}, Actor: es.Actor{Kind: es.UserActor, ID: account, Role: es.Editor}, Request: "request-1",
	}, in)
	if err != nil {
		r.Fatal(err)
	}
	o, err := r.bus.Do(context.Background(), request)
	if err != nil {
		r.Fatal(err)
	}
	return o.Stream.ID
}

// queueMany asks for n tasks of an account.
func (r *rig) queueMany(k tasks.Kind, account es.ID, n int) []es.ID {
	r.Helper()
	requests, ids := make([]commands.Request, n), make([]es.ID, n)
	for i := range requests {
		request, err := k.Request(commands.Request{
			Tenant: es.Tenant{Account: account}, Actor: es.Actor{Kind: es.UserActor, ID: account, Role: es.Editor},
		}, input{N: i})
		if err != nil {
			r.Fatal(err)
		}
		requests[i], ids[i] = request, request.Target
	}
	_, errs := r.bus.CreateMany(context.Background(), requests)
	for _, err := range errs {
		if err != nil {
			r.Fatal(err)
		}
	}
	return ids
}

// ask carries out a command upon a task.
func (r *rig) ask(account, task es.ID, payload any) error {
	_, err := r.bus.Do(context.Background(), commands.Request{
		Tenant: es.Tenant{Account: account}, Actor: es.System(), Target: task, Payload: payload,
	})
	return err
}

// until waits for a condition.
func (r *rig) until(what string, holds func() bool) {
	r.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			r.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// ended waits until a task has ended, and gives its last event.
func (r *rig) ended(account, task es.ID) (last es.Event, state domain.State) {
	r.Helper()
	r.until("the end of "+task.String(), func() bool {
		t, err := commands.Load(context.Background(), r.bus, domain.Kind, account, task)
		if err != nil {
			r.Fatal(err)
		}
		state = t.State
		return state.Ended()
	})
	all := r.story(account, task)
	return all[len(all)-1], state
}

// story is everything that happened to a task.
func (r *rig) story(account, task es.ID) (all []es.Event) {
	r.Helper()
	recs, err := r.events.ReadStream(context.Background(), es.StreamID{Account: account, Kind: domain.Kind.Name, ID: task}, 1)
	if err != nil {
		r.Fatal(err)
	}
	for _, rec := range recs {
		e, err := r.registry.Decode(rec)
		if err != nil {
			r.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// types are the short names of a task's events.
func (r *rig) types(account, task es.ID) string {
	r.Helper()
	text := ""
	for _, e := range r.story(account, task) {
		name := e.EventType()[len("tasks.task.") : len(e.EventType())-len(".v1")]
		if f, ok := e.(domain.TaskFailed); ok && f.Final {
			name += "!"
		}
		if f, ok := e.(domain.TaskTimedOut); ok && f.Final {
			name += "!"
		}
		text += " " + name
	}
	return text[1:]
}

// rows counts the table's rows in a state.
func (r *rig) rows(state string) (n int) {
	r.Helper()
	err := r.db.Pool(postgres.RoleProjector).QueryRow(context.Background(), `SELECT count(*) FROM tasks WHERE state = $1`, state).Scan(&n)
	if err != nil {
		r.Fatal(err)
	}
	return n
}

// input is what the tests' tasks are asked with.
type input struct {
	N int `json:"n"`
}

// output is what they work out.
type output struct {
	Sum int `json:"sum"`
}

var errBroken = errors.New("SELECT secret FROM somewhere: broken pipe")

func text(raw json.RawMessage) string { return string(raw) }

func (r *rig) progress(account, task es.ID) tasks.Progress {
	r.Helper()
	found, err := store.NewPending(r.db.Pool(postgres.RoleApp)).Progress(context.Background(), account, []es.ID{task})
	if err != nil {
		r.Fatal(err)
	}
	return found[task]
}

// observed counts what a worker observes.
type observed struct{ abandoned, lost atomic.Int32 }

func (*observed) TaskStarted(string, bool, time.Duration) {}

func (o *observed) TaskEnded(_, how string, _ time.Duration) {
	if how == "lost" {
		o.lost.Add(1)
	}
}

func (o *observed) TaskAbandoned(string) { o.abandoned.Add(1) }
