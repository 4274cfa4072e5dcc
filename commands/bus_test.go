package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
)

// note is an aggregate for these tests: a title that is unique in its account,
// and a sum that commands add to.
type note struct {
	es.Entity
	title string
	sum   int
}

type noteWritten struct {
	Title string `json:"title"`
}

func (noteWritten) EventType() string { return "test.note.written.v1" }

type noteAdded struct {
	N int `json:"n"`
}

func (noteAdded) EventType() string { return "test.note.added.v1" }

var noteKind = es.Kind[note]{
	Name: "test.note",
	Evolve: func(n *note, e es.Event) {
		switch e := e.(type) {
		case noteWritten:
			n.title = e.Title
		case noteAdded:
			n.sum += e.N
		}
	},
	Events: es.Events(noteWritten{}, noteAdded{}).WithLifecycle(),
	Holds: func(n note) es.Held {
		return es.Held{
			Unique: []es.Unique{{Scope: "test.note.title", Key: n.title, Field: "title"}},
			Counts: []es.Count{{Resource: "notes", N: 1}},
		}
	},
}

type writeNote struct{ Title string }

func (c writeNote) Decide(_ es.Env, _ note) ([]es.Event, error) {
	if c.Title == "" {
		return nil, es.Field("title", "This field is required.")
	}
	return []es.Event{noteWritten(c)}, nil
}

type addToNote struct{ N, Limit int }

func (c addToNote) Decide(_ es.Env, n note) ([]es.Event, error) {
	switch {
	case c.N == 0:
		return nil, nil
	case c.Limit > 0 && n.sum+c.N > c.Limit:
		return nil, es.Refuse(es.Conflict, "", "The sum is %d.", n.sum)
	}
	return []es.Event{noteAdded{N: c.N}}, nil
}

func noteOps() []commands.Op {
	return append(commands.Lifecycle(noteKind, es.Editor, es.Admin),
		commands.Create[writeNote](noteKind, es.Editor, commands.InAccount),
		commands.On[addToNote](noteKind, "add", es.Editor))
}

// plainVault is for kinds without personal fields.
type plainVault struct{}

func (plainVault) Seal(_ context.Context, _ es.Envelope, e es.Event) (es.Event, error) { return e, nil }

func (plainVault) Open(_ context.Context, _ es.ID, events []es.Event) ([]es.Event, error) {
	return events, nil
}

func (plainVault) ClaimKey(context.Context, string, string) ([]byte, error) {
	return nil, errors.New("no personal claims here")
}

type limits map[string]int64

func (l limits) Policy(context.Context, es.ID) (commands.Policy, error) {
	return commands.Policy{RetentionDays: 30, Limits: l}, nil
}

func newBus(store commands.Store) *commands.Bus {
	return commands.New(store, plainVault{}, es.NewRegistry(noteKind), noteOps(), commands.Config{})
}

type caller struct {
	t       *testing.T
	bus     *commands.Bus
	account es.ID
}

func (c caller) do(target es.ID, payload any, with ...func(*commands.Request)) (commands.Outcome, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	r := commands.Request{
		Tenant: es.Tenant{Account: c.account}, Actor: es.Actor{Kind: es.UserActor, ID: c.account, Role: es.Admin},
		Target: target, Payload: payload,
	}
	for _, w := range with {
		w(&r)
	}
	return c.bus.Do(ctx, r)
}

func (c caller) must(target es.ID, payload any, with ...func(*commands.Request)) commands.Outcome {
	c.t.Helper()
	o, err := c.do(target, payload, with...)
	if err != nil {
		c.t.Fatalf("%T: %v", payload, err)
	}
	return o
}

func (c caller) refused(class es.Class, target es.ID, payload any, with ...func(*commands.Request)) {
	c.t.Helper()
	_ = c.refusal(class, target, payload, with...)
}

func (c caller) refusal(class es.Class, target es.ID, payload any, with ...func(*commands.Request)) *es.Error {
	c.t.Helper()
	o, err := c.do(target, payload, with...)
	var refusal *es.Error
	if !errors.As(err, &refusal) || refusal.Class != class {
		c.t.Fatalf("%T gave %+v, %v; want it refused as %s", payload, o, err, class)
	}
	return refusal
}

func command(id es.ID) func(*commands.Request) {
	return func(r *commands.Request) { r.Command = id }
}

func ifRevision(n int64) func(*commands.Request) {
	return func(r *commands.Request) { r.IfRevision = n }
}

func onMemory(t *testing.T) (caller, *memory.Store) {
	store := memory.New()
	return caller{t, newBus(store), commands.NewID()}, store
}

func sumOf(o commands.Outcome) int { return o.State.(note).sum }

// together runs f n times at once and gives how many had no error, and the
// classes of the others.
func together(n int, f func(i int) error) (fine int, classes map[es.Class]int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	classes = map[es.Class]int{}
	for i := range n {
		wg.Go(func() {
			err := f(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				fine++
			} else {
				classes[es.ClassOf(err)]++
			}
		})
	}
	wg.Wait()
	return fine, classes
}

func TestACreateSaidAgainAnswersTheAggregateAndOtherFieldsConflict(t *testing.T) {
	t.Parallel()
	c, _ := onMemory(t)
	id := commands.NewID()
	first := c.must(id, writeNote{"a"})
	again := c.must(id, writeNote{"a"})
	if first.Revision != 1 || again.Revision != 1 || len(again.Events) != 0 || again.Position != first.Position {
		t.Errorf("first %+v, again %+v", first, again)
	}
	c.refused(es.Conflict, id, writeNote{"b"})
	c.must(id, commands.Delete{Kind: noteKind.Name})
	c.refused(es.Conflict, id, writeNote{"a"})
}

func TestACommandIDTakesEffectOnceAndAnswersTheStateOfThen(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id, twice := commands.NewID(), commands.NewID()
	c.must(id, writeNote{"a"})
	first := c.must(id, addToNote{N: 1}, command(twice))
	c.must(id, addToNote{N: 5})
	for name, bus := range map[string]*commands.Bus{"the same process": c.bus, "another process": newBus(store)} {
		again := caller{t, bus, c.account}.must(id, addToNote{N: 1}, command(twice))
		if !again.Repeat || again.Revision != first.Revision || sumOf(again) != sumOf(first) {
			t.Errorf("%s: first %+v, again %+v", name, first, again)
		}
	}
	if now := c.must(id, addToNote{}); sumOf(now) != 6 {
		t.Errorf("the sum is %d, want 6", sumOf(now))
	}
}

func TestACreateRepeatedByAnotherProcessTakesEffectOnce(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := commands.NewID()
	first := c.must(es.ID{}, writeNote{"a"}, command(id))
	other := caller{t, newBus(store), c.account}
	again := other.must(es.ID{}, writeNote{"a"}, command(id))
	if again.Stream != first.Stream || again.Revision != 1 || !again.Repeat {
		t.Errorf("first %+v, again %+v", first, again)
	}
}

func TestCommandsOnOneStreamGoOutTogetherAndNoneIsLost(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	counted := &countingStore{Store: store}
	c.bus = newBus(counted)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	counted.delay = 2 * time.Millisecond
	fine, refused := together(64, func(int) error { _, err := c.do(id, addToNote{N: 1}); return err })
	if fine != 64 {
		t.Fatalf("%d of 64 succeeded, refused: %v", fine, refused)
	}
	if got := sumOf(c.must(id, addToNote{})); got != 64 {
		t.Errorf("the sum is %d, want 64", got)
	}
	if n := counted.appends.Load(); n > 32 {
		t.Errorf("64 commands took %d appends; they should have gone out together", n)
	}
}

func TestProcessesThatRaceOnOneStreamDecideAgainUntilAllAreDone(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	buses := []*commands.Bus{newBus(&countingStore{Store: store, delay: time.Millisecond}), newBus(&countingStore{Store: store, delay: time.Millisecond}), newBus(store)}
	fine, refused := together(60, func(i int) error {
		_, err := caller{t, buses[i%3], c.account}.do(id, addToNote{N: 1, Limit: 50})
		return err
	})
	if fine != 50 || refused[es.Conflict] != 10 {
		t.Errorf("%d succeeded, refused %v; want 50 and 10 conflicts", fine, refused)
	}
}

func TestIfMatchLetsExactlyOneOfManyWin(t *testing.T) {
	t.Parallel()
	c, _ := onMemory(t)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	fine, refused := together(32, func(int) error { _, err := c.do(id, addToNote{N: 1}, ifRevision(1)); return err })
	if fine != 1 || refused[es.Precondition] != 31 {
		t.Errorf("%d won, refused %v; want 1 and 31", fine, refused)
	}
}

func TestAUniqueValueIsHeldByOneOf64AndFreedByDeletion(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	other := newBus(store)
	fine, refused := together(64, func(i int) error {
		bus := c.bus
		if i%2 == 0 {
			bus = other
		}
		_, err := caller{t, bus, c.account}.do(es.ID{}, writeNote{"same"})
		return err
	})
	if fine != 1 || refused[es.Conflict] != 63 {
		t.Fatalf("%d won, refused %v; want 1 and 63", fine, refused)
	}
	stranger := caller{t, c.bus, commands.NewID()}
	stranger.must(es.ID{}, writeNote{"same"})

	id := commands.NewID()
	c.must(id, writeNote{"mine"})
	c.must(id, commands.Delete{Kind: noteKind.Name})
	successor := c.must(es.ID{}, writeNote{"mine"})
	c.refused(es.Conflict, id, commands.Restore{Kind: noteKind.Name})
	c.must(successor.Stream.ID, commands.Delete{Kind: noteKind.Name})
	c.must(id, commands.Restore{Kind: noteKind.Name})
	if e := c.refusal(es.Conflict, es.ID{}, writeNote{"mine"}); e.Code != "taken" || e.Fields["title"] == nil {
		t.Errorf("the refusal does not name the field: %+v", e)
	}
}

func TestAPlanLimitLetsExactlyAsManyWinOf64(t *testing.T) {
	t.Parallel()
	store := memory.New()
	account := commands.NewID()
	buses := []*commands.Bus{newBus(store).WithAccounts(limits{"notes": 10}), newBus(store).WithAccounts(limits{"notes": 10})}
	fine, refused := together(64, func(i int) error {
		_, err := caller{t, buses[i%2], account}.do(es.ID{}, writeNote{fmt.Sprint(i)})
		return err
	})
	if fine != 10 || refused[es.Plan] != 54 {
		t.Errorf("%d won, refused %v; want 10 and 54", fine, refused)
	}
}

func TestARefusedClaimRefusesOnlyItsOwnCommandOfAGroup(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	counted := &countingStore{Store: store, delay: 2 * time.Millisecond}
	c.bus = newBus(counted)
	c.must(es.ID{}, writeNote{"taken"})
	id := commands.NewID()
	c.must(id, writeNote{"mine"})
	c.must(id, commands.Delete{Kind: noteKind.Name})
	c.must(es.ID{}, writeNote{"mine"})
	c.bus = newBus(counted)
	fine, refused := together(20, func(i int) error {
		if i%2 == 0 {
			_, err := c.do(id, commands.Restore{Kind: noteKind.Name})
			return err
		}
		_, err := c.do(id, commands.Delete{Kind: noteKind.Name})
		return err
	})
	if fine != 10 || refused[es.Conflict] != 10 {
		t.Errorf("%d done, refused %v; want 10 no-ops and 10 conflicts", fine, refused)
	}
}

func TestWhatIsDecidedOnAnOldStateIsNotAnsweredBeforeItIsConfirmed(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	stale := caller{t, newBus(store), c.account}
	stale.must(id, addToNote{N: 1})

	moved := c.must(id, addToNote{N: 7})
	if o := stale.must(id, addToNote{}); o.Revision != moved.Revision || sumOf(o) != 8 {
		t.Errorf("a no-op answered %+v, not the state of revision %d", o, moved.Revision)
	}
	moved = c.must(id, addToNote{N: 1})
	stale.must(id, addToNote{N: 1}, ifRevision(moved.Revision))
	stale.must(id, addToNote{N: -9})
	c.must(id, addToNote{N: 1, Limit: 2}) // on what it remembers it would refuse.
	c.must(id, commands.Delete{Kind: noteKind.Name})
	stale.refused(es.NotFound, id, addToNote{N: 1})
	c.must(id, commands.Restore{Kind: noteKind.Name})
	stale.must(id, addToNote{N: 1})
}

func TestADryRunAnswersWhatWouldFollowAndLeavesNothing(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	dry := func(r *commands.Request) { r.DryRun = true }
	id, cmd := commands.NewID(), commands.NewID()
	o := c.must(id, writeNote{"a"}, dry, command(cmd))
	if len(o.Events) != 1 || o.State.(note).title != "a" {
		t.Errorf("dry run answered %+v", o)
	}
	if head, err := store.Head(t.Context()); err != nil || head != 0 {
		t.Fatalf("the log's head is %d (%v) after a dry run", head, err)
	}
	c.must(id, writeNote{"a"}, command(cmd))
	add := commands.NewID()
	c.must(id, addToNote{N: 1}, dry, command(add))
	if o := c.must(id, addToNote{N: 1}, command(add)); o.Repeat || sumOf(o) != 1 {
		t.Errorf("a dry run was remembered as done: %+v", o)
	}
	c.refused(es.Invalid, es.ID{}, writeNote{}, dry)
}

func TestOnlyTheRoleThatMayDoesAndWhatIsMissingIsMissing(t *testing.T) {
	t.Parallel()
	c, _ := onMemory(t)
	viewer := func(r *commands.Request) { r.Actor.Role = es.Viewer }
	editor := func(r *commands.Request) { r.Actor.Role = es.Editor }
	c.refused(es.Forbidden, es.ID{}, writeNote{"a"}, viewer)
	id := c.must(es.ID{}, writeNote{"a"}, editor).Stream.ID
	c.must(id, commands.Delete{Kind: noteKind.Name}, editor)
	c.refused(es.Forbidden, id, commands.Restore{Kind: noteKind.Name}, editor)
	c.refused(es.NotFound, commands.NewID(), commands.Delete{Kind: noteKind.Name})
	stranger := caller{t, c.bus, commands.NewID()}
	stranger.refused(es.NotFound, id, commands.Restore{Kind: noteKind.Name})
	c.refused(es.Forbidden, id, addToNote{N: 1}, func(r *commands.Request) { r.Tenant = es.Tenant{} })
}

func TestWhateverTheStoreLosesACommandRetriedWithItsIDHappensOnce(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	flaky := &flakyStore{Store: store}
	buses := []*commands.Bus{newBus(flaky), newBus(flaky)}
	const waves, each = 8, 5 // those of one wave may go out as one append
	const n = waves * each
	for range waves {
		fine, refused := together(each, func(i int) error {
			cmd := commands.NewID()
			for try := 0; ; try++ {
				_, err := caller{t, buses[(i+try)%2], c.account}.do(id, addToNote{N: 1}, command(cmd))
				if err == nil || try > 100 || es.ClassOf(err) != es.Unavailable {
					return err
				}
			}
		})
		if fine != each {
			t.Fatalf("%d of %d succeeded, refused: %v", fine, each, refused)
		}
	}
	if got := sumOf(c.must(id, addToNote{})); got != n {
		t.Errorf("%d commands made the sum %d", n, got)
	}
	if flaky.calls.Load() < waves {
		t.Errorf("the store was asked only %d times", flaky.calls.Load())
	}
}

func TestACallerWhoseTimeIsOverIsToldSo(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	c.bus = newBus(&countingStore{Store: store, delay: 50 * time.Millisecond})
	id := c.must(es.ID{}, writeNote{"a"}).Stream.ID
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.bus.Do(ctx, commands.Request{
		Tenant: es.Tenant{Account: c.account}, Actor: es.System(), Target: id, Payload: addToNote{N: 1},
	})
	if es.ClassOf(err) != es.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

// countingStore counts appends and takes its time.
type countingStore struct {
	*memory.Store
	appends atomic.Int64
	delay   time.Duration
}

func (s *countingStore) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	s.appends.Add(1)
	select {
	case <-time.After(s.delay):
	case <-ctx.Done():
		return es.Appended{}, ctx.Err()
	}
	return s.Store.Append(ctx, a)
}

// flakyStore loses every third request and every third answer.
type flakyStore struct {
	*memory.Store
	calls atomic.Int64
}

func (s *flakyStore) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	n := s.calls.Add(1)
	if n%3 == 0 {
		return es.Appended{}, errors.New("the request was lost")
	}
	done, err := s.Store.Append(ctx, a)
	if err == nil && n%3 == 1 {
		return es.Appended{}, errors.New("the answer was lost")
	}
	return done, err
}
