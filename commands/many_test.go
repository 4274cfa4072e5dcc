package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// script is creates that are to be carried out in some account.
type script struct {
	creates []scripted
	before  int // so many of them were already carried out
	warm    bool
	limit   int64
	chunk   int
}

// scripted names the creates whose command and whose id it has: itself, or
// earlier ones. One with an earlier command has all its fields.
type scripted struct {
	title           string
	command, target int
	deleted         bool // after it was carried out before
}

var scripts = rapid.Custom(func(t *rapid.T) script {
	var s script
	for i := range rapid.IntRange(1, 14).Draw(t, "creates") {
		c := scripted{command: i, target: i, title: rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f", "g", "h"}).Draw(t, "title")}
		if i > 0 {
			earlier := s.creates[rapid.IntRange(0, i-1).Draw(t, "earlier")]
			switch rapid.IntRange(0, 5).Draw(t, "repeats") {
			case 0:
				c.title, c.command, c.target = earlier.title, earlier.command, earlier.target
			case 1:
				c.target = earlier.target
			}
		}
		c.deleted = rapid.IntRange(0, 4).Draw(t, "deleted") == 0
		s.creates = append(s.creates, c)
	}
	s.before = rapid.IntRange(0, len(s.creates)).Draw(t, "before")
	s.warm = rapid.Bool().Draw(t, "warm")
	s.limit = rapid.Int64Range(0, 10).Draw(t, "limit")
	s.chunk = rapid.IntRange(1, 8).Draw(t, "chunk")
	return s
})

// told is what a caller learns of a command, without ids and positions.
type told struct {
	failure  string
	stream   int // whose id it has
	revision int64
	events   int
	repeat   bool
	title    string
}

// play carries the script out in an account of its own and gives what each
// caller was told, and how many events there are.
func (s script) play(t *rapid.T, store commands.Store, all func(*commands.Bus, []commands.Request) ([]commands.Outcome, []error)) (answers []told, revisions []int64) {
	bus := func() *commands.Bus {
		return commands.New(store, plainVault{}, es.NewRegistry(noteKind), noteOps(), commands.Config{Chunk: s.chunk}).WithAccounts(limits{"notes": s.limit})
	}
	account := commands.NewID()
	requests := make([]commands.Request, len(s.creates))
	for i, c := range s.creates {
		requests[i] = commands.Request{
			Tenant: es.Tenant{Account: account}, Actor: es.Actor{Kind: es.UserActor, ID: account, Role: es.Admin}, Bulk: true,
			Command: commands.NewID(), Target: commands.NewID(), Payload: writeNote{c.title},
		}
		if c.command != i {
			requests[i] = requests[c.command]
		}
		requests[i].Target = requests[c.target].Target
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	b := bus()
	for i, c := range s.creates[:s.before] {
		if _, err := b.Do(ctx, requests[i]); err == nil && c.deleted {
			gone := requests[i]
			gone.Command, gone.Payload = es.ID{}, commands.Delete{Kind: noteKind.Name}
			if _, err := b.Do(ctx, gone); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !s.warm {
		b = bus()
	}
	outcomes, errs := all(b, requests)
	for i, o := range outcomes {
		a := told{stream: s.creates[i].target, revision: o.Revision, events: len(o.Events), repeat: o.Repeat}
		if n, ok := o.State.(note); ok {
			a.title = n.title
		}
		if errs[i] != nil {
			var refusal *es.Error
			if !errors.As(errs[i], &refusal) {
				t.Fatal(errs[i])
			}
			a = told{failure: fmt.Sprint(refusal.Class, refusal.Word(), refusal.Message, refusal.Fields)}
		} else if o.Stream.ID != requests[i].Target || o.Position == 0 {
			t.Fatalf("create %d answered %+v", i, o)
		}
		answers = append(answers, a)
	}
	for _, r := range requests {
		events, err := store.ReadStream(ctx, es.StreamID{Account: account, Kind: noteKind.Name, ID: r.Target}, 1)
		if err != nil {
			t.Fatal(err)
		}
		revisions = append(revisions, int64(len(events)))
	}
	return answers, revisions
}

func oneByOne(ctx context.Context) func(*commands.Bus, []commands.Request) ([]commands.Outcome, []error) {
	return func(b *commands.Bus, requests []commands.Request) ([]commands.Outcome, []error) {
		outcomes, errs := make([]commands.Outcome, len(requests)), make([]error, len(requests))
		for i, r := range requests {
			outcomes[i], errs[i] = b.Do(ctx, r)
		}
		return outcomes, errs
	}
}

func atOnce(ctx context.Context) func(*commands.Bus, []commands.Request) ([]commands.Outcome, []error) {
	return func(b *commands.Bus, requests []commands.Request) ([]commands.Outcome, []error) {
		return b.CreateMany(ctx, requests)
	}
}

func TestCreateManyIsTheSameCreatesOneAfterAnother(t *testing.T) {
	t.Parallel()
	stores := map[string]func(*testing.T) commands.Store{
		"memory": func(*testing.T) commands.Store { return memory.New() },
		"Postgres": func(t *testing.T) commands.Store {
			s := postgres.NewStore(pgtest.New(t).Postgres.Pool(database.RoleAppender))
			t.Cleanup(s.Close)
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			rapid.Check(t, func(t *rapid.T) {
				s := scripts.Draw(t, "script")
				want, wantRevisions := s.play(t, store, oneByOne(t.Context()))
				got, revisions := s.play(t, store, atOnce(t.Context()))
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("create %d of many was told\n%+v, alone\n%+v", i, got[i], want[i])
					}
					if revisions[i] != wantRevisions[i] {
						t.Errorf("stream %d has %d events, alone %d", i, revisions[i], wantRevisions[i])
					}
				}
			})
		})
	}
}

// brittleStore answers only some of many appends.
type brittleStore struct {
	*memory.Store
	calls atomic.Int64
	down  bool
}

func (s *brittleStore) AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult {
	results := make([]es.AppendResult, len(appends))
	for i, a := range appends {
		n := s.calls.Add(1)
		if n%5 == 0 || s.down {
			results[i].Err = errors.New("the request was lost")
			continue
		}
		if results[i].Appended, results[i].Err = s.Append(ctx, a); n%5 == 1 {
			results[i].Err = es.Refuse(es.Unavailable, "", "The answer was lost.")
		}
	}
	return results
}

func (c caller) notes(n int) []commands.Request {
	requests := make([]commands.Request, n)
	for i := range requests {
		requests[i] = commands.Request{
			Tenant: es.Tenant{Account: c.account}, Actor: es.System(), Command: commands.NewID(), Payload: writeNote{fmt.Sprint(i)},
		}
	}
	return requests
}

func TestManyCreatesGoOnUntilEachIsKnownAndHappenOnce(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	c.bus = newBus(&brittleStore{Store: store})
	outcomes, errs := c.bus.CreateMany(t.Context(), c.notes(600))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Revision != 1 || o.State.(note).title != fmt.Sprint(i) {
			t.Fatalf("create %d answered %+v", i, o)
		}
	}
	if head, err := store.Head(t.Context()); err != nil || head != 600 {
		t.Errorf("600 creates wrote %d events (%v)", head, err)
	}
}

func TestManyCreatesOfAStoreThatIsDownAreUnavailableWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	c.bus = newBus(&brittleStore{Store: store, down: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	requests := c.notes(1200)
	_, errs := c.bus.CreateMany(ctx, requests)
	for i, err := range errs {
		if es.ClassOf(err) != es.Unavailable {
			t.Fatalf("create %d: %v, want unavailable", i, err)
		}
	}
	c.bus = newBus(store)
	if _, errs = c.bus.CreateMany(t.Context(), requests); errors.Join(errs...) != nil {
		t.Error(errors.Join(errs...))
	}
}

func TestWhatOneOfManyMadeNeedsNoReadForTheNextCommand(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	read := &readingStore{Store: store}
	c.bus = newBus(read)
	outcomes, errs := c.bus.CreateMany(t.Context(), c.notes(3))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if o := c.must(outcomes[2].Stream.ID, addToNote{N: 2}); sumOf(o) != 2 || o.Revision != 2 || read.reads.Load() != 0 {
		t.Errorf("the next command answered %+v after %d reads", o, read.reads.Load())
	}
}

func TestManyBulkCommandsShareReadsAndTakeEffectOnce(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	outcomes, errs := c.bus.CreateMany(t.Context(), c.notes(40))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	read := &readingStore{Store: store}
	c.bus = newBus(read)
	changes := make([]commands.Request, 2*len(outcomes))
	for i := range changes {
		changes[i] = commands.Request{
			Tenant: es.Tenant{Account: c.account}, Actor: es.System(), Command: commands.NewID(), Bulk: true,
			Target: outcomes[i%len(outcomes)].Stream.ID, Payload: addToNote{N: 1, Limit: 1 + i%len(outcomes)},
		}
	}
	for range 2 {
		answers, errs := c.bus.DoAll(t.Context(), changes, 4)
		for i, o := range answers {
			second, first := i >= len(outcomes), i%len(outcomes) == 0
			if refused := es.ClassOf(errs[i]) == es.Conflict; second && first && !refused || !first && (errs[i] != nil || sumOf(o) == 0) {
				t.Fatalf("change %d answered %+v, %v", i, o, errs[i])
			}
		}
	}
	for i, o := range outcomes {
		if got, want := sumOf(c.must(o.Stream.ID, addToNote{})), min(2, 1+i); got != want {
			t.Errorf("note %d has the sum %d, want %d", i, got, want)
		}
	}
	if read.many.Load() == 0 {
		t.Error("nothing was read together")
	}
}

// readingStore counts reads.
type readingStore struct {
	*memory.Store
	reads, many atomic.Int64
}

func (s *readingStore) ReadStream(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error) {
	s.reads.Add(1)
	return s.Store.ReadStream(ctx, stream, from)
}

func (s *readingStore) ReadStreams(ctx context.Context, streams []es.StreamID) ([][]es.Recorded, error) {
	s.many.Add(1)
	return s.Store.ReadStreams(ctx, streams)
}
