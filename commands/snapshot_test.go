package commands_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
)

// tally is a kind with snapshots: a sum that never passes a limit, and its last
// addends.
type tally struct {
	es.Entity
	Sum  int
	Last []int
}

type tallied struct {
	N int `json:"n"`
}

func (tallied) EventType() string { return "test.tally.added.v1" }

func tallyOf(version int) es.Kind[tally] {
	return es.Kind[tally]{
		Name: "test.tally", Events: es.Events(tallied{}).WithLifecycle(), Snapshots: version,
		Evolve: func(s *tally, e es.Event) {
			if e, ok := e.(tallied); ok {
				s.Sum += e.N
				s.Last = append(s.Last[max(0, len(s.Last)-2):len(s.Last):len(s.Last)], e.N)
			}
		},
	}
}

var tallyKind = tallyOf(1)

type begin struct{ N int }

func (c begin) Decide(es.Env, tally) ([]es.Event, error) { return []es.Event{tallied(c)}, nil }

// add writes one event for each of Times; 0 is a no-op.
type add struct{ N, Times, Limit int }

func (c add) Decide(_ es.Env, s tally) (events []es.Event, err error) {
	if s.Sum+c.N*c.Times > c.Limit {
		return nil, es.Refuse(es.Conflict, "full", "The sum is %d.", s.Sum)
	}
	for range c.Times {
		events = append(events, tallied{c.N})
	}
	return events, nil
}

func tallyOps(kind es.Kind[tally]) []commands.Op {
	return append(commands.Lifecycle(kind, es.Editor, es.Admin),
		commands.Create[begin](kind, es.Editor, commands.InAccount), commands.On[add](kind, "add", es.Editor))
}

func tallyBus(store commands.Store, kept commands.Snapshots, kind es.Kind[tally], c commands.Config, log *slog.Logger) *commands.Bus {
	b := commands.New(store, plainVault{}, es.NewRegistry(kind), tallyOps(kind), c)
	if kept != nil {
		b.WithSnapshots(kept, log)
	}
	return b
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// asked is a command and what its first caller was told.
type asked struct {
	request commands.Request
	outcome commands.Outcome
}

func TestAStreamLoadedFromItsSnapshotIsWhatItsEventsMake(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		store := memory.New()
		config := commands.Config{
			Remember:      rapid.IntRange(1, 8).Draw(t, "remember"),
			SnapshotEvery: rapid.IntRange(1, 6).Draw(t, "snapshot every"),
		}
		open := func() *commands.Bus { return tallyBus(store, store, tallyKind, config, quiet()) }
		buses := []*commands.Bus{open(), open()}
		account, id := commands.NewID(), commands.NewID()
		request := func(payload any) commands.Request {
			return commands.Request{
				Tenant: es.Tenant{Account: account}, Actor: es.Actor{Kind: es.UserActor, ID: account, Role: es.Admin},
				Command: commands.NewID(), Target: id, Payload: payload,
			}
		}
		var mu sync.Mutex
		var done []asked
		do := func(b *commands.Bus, r commands.Request) {
			o, err := b.Do(t.Context(), r)
			if err != nil && es.ClassOf(err) != es.Conflict && es.ClassOf(err) != es.NotFound {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(o.Events) > 0 {
				done = append(done, asked{r, o})
			}
		}
		do(buses[0], request(begin{1}))
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0:
				buses[rapid.IntRange(0, 1).Draw(t, "killed")] = open()
			case 1:
				do(buses[0], request(commands.Delete{Kind: tallyKind.Name}))
				do(buses[1], request(commands.Restore{Kind: tallyKind.Name}))
			default:
				var racing sync.WaitGroup
				for i := range rapid.IntRange(1, 6).Draw(t, "at once") {
					r := request(add{N: 1 + i, Times: rapid.IntRange(0, 3).Draw(t, "times"), Limit: 100})
					racing.Go(func() { do(buses[i%2], r) })
				}
				racing.Wait()
			}
		}
		plain := tallyBus(store, nil, tallyKind, config, nil)
		want, err := commands.Load(t.Context(), plain, tallyKind, account, id)
		if err != nil {
			t.Fatal(err)
		}
		buses = append(buses, open())
		for _, b := range buses {
			got, err := commands.Load(t.Context(), b, tallyKind, account, id)
			if err != nil || !same(got, want) {
				t.Fatalf("with snapshots it is\n%+v (%v), its events make\n%+v", got, err, want)
			}
		}
		for i, a := range done {
			again, err := buses[i%3].Do(t.Context(), a.request)
			if err != nil || !again.Repeat || again.Revision != a.outcome.Revision || !same(again.State.(tally), a.outcome.State.(tally)) {
				t.Fatalf("the command %+v was told\n%+v, repeated\n%+v (%v)", a.request, a.outcome, again, err)
			}
		}
		if last, err := commands.Load(t.Context(), plain, tallyKind, account, id); err != nil || last.Revision != want.Revision {
			t.Fatalf("repeats wrote: the revision was %d and is %d (%v)", want.Revision, last.Revision, err)
		}
	})
}

// same compares states; times by the instant.
func same(a, b tally) bool {
	clock := func(s *tally) {
		s.CreatedAt = s.CreatedAt.Round(0).UTC()
		if s.Deletion != nil {
			d := *s.Deletion
			d.At, d.PurgeAfter = d.At.Round(0).UTC(), d.PurgeAfter.Round(0).UTC()
			s.Deletion = &d
		}
	}
	clock(&a)
	clock(&b)
	return reflect.DeepEqual(a, b)
}

type tallies struct {
	t       *testing.T
	store   *memory.Store
	account es.ID
	id      es.ID
}

func (s tallies) request(payload any) commands.Request {
	return commands.Request{Tenant: es.Tenant{Account: s.account}, Actor: es.System(), Target: s.id, Payload: payload}
}

func (s tallies) do(b *commands.Bus, payload any) commands.Outcome {
	s.t.Helper()
	o, err := b.Do(s.t.Context(), s.request(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s tallies) stream() es.StreamID {
	return es.StreamID{Account: s.account, Kind: tallyKind.Name, ID: s.id}
}

// kept waits for a snapshot of at least a revision.
func (s tallies) kept(revision int64) commands.Snapshot {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if kept, ok, err := s.store.Snapshot(s.t.Context(), s.stream()); err != nil {
			s.t.Fatal(err)
		} else if ok && kept.Revision >= revision {
			return kept
		}
	}
	s.t.Fatalf("no snapshot of revision %d was taken", revision)
	return commands.Snapshot{}
}

// longTally is a tally of 21 events with a snapshot that is not old.
func longTally(t *testing.T) tallies {
	t.Helper()
	s := tallies{t, memory.New(), commands.NewID(), commands.NewID()}
	b := tallyBus(s.store, s.store, tallyKind, commands.Config{SnapshotEvery: 10}, quiet())
	s.do(b, begin{1})
	for range 20 {
		s.do(b, add{N: 1, Times: 1, Limit: 1000})
	}
	s.kept(20)
	return s
}

func TestALongStreamIsReadFromItsSnapshotOn(t *testing.T) {
	t.Parallel()
	s := longTally(t)
	read := &tailStore{Store: s.store}
	b := tallyBus(read, s.store, tallyKind, commands.Config{}, quiet())
	if o := s.do(b, add{N: 1, Times: 1, Limit: 1000}); o.State.(tally).Sum != 22 || read.most > 3 {
		t.Errorf("the sum is %d, and %d events were read at once", o.State.(tally).Sum, read.most)
	}
	if o := s.do(b, begin{1}); len(o.Events) != 0 || o.Revision != 22 {
		t.Errorf("the same create again answered %+v", o)
	}
}

func TestASnapshotThatDoesNotFitIsIgnoredAndAWrongOneIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version int
		spoil   func(*commands.Snapshot)
		said    string
	}{
		"another version":       {2, func(*commands.Snapshot) {}, ""},
		"cut off":               {1, func(s *commands.Snapshot) { s.Data = s.Data[:len(s.Data)/2] }, "cannot be read"},
		"no snapshot at all":    {1, func(s *commands.Snapshot) { s.Data = []byte("{}") }, "cannot be read"},
		"of a revision to come": {1, func(s *commands.Snapshot) { s.Revision = 40 }, "cannot be read"},
		"of another log": {1, func(s *commands.Snapshot) {
			at := bytes.Index(s.Data, []byte(`"last_event":"`)) + len(`"last_event":"`)
			copy(s.Data[at:], "00000000")
		}, "not of this log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := longTally(t)
			spoilt := s.kept(20)
			spoilt.Data = bytes.Clone(spoilt.Data)
			c.spoil(&spoilt)
			var log bytes.Buffer
			b := tallyBus(s.store, fixedSnapshot{spoilt}, tallyOf(c.version), commands.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
			if o := s.do(b, add{N: 1, Times: 1, Limit: 1000}); o.State.(tally).Sum != 22 || o.Revision != 22 {
				t.Errorf("the sum is %d at revision %d, want 22 at 22", o.State.(tally).Sum, o.Revision)
			}
			if (c.said == "") != (log.Len() == 0) || !strings.Contains(log.String(), c.said) {
				t.Errorf("said %q, want %q", log.String(), c.said)
			}
		})
	}
}

func TestSnapshotsThatCannotBeKeptHoldNothingUp(t *testing.T) {
	t.Parallel()
	s := tallies{t, memory.New(), commands.NewID(), commands.NewID()}
	b := tallyBus(s.store, brokenSnapshots{}, tallyKind, commands.Config{SnapshotEvery: 1}, quiet())
	s.do(b, begin{1})
	for range 5 {
		s.do(b, add{N: 1, Times: 1, Limit: 1000})
	}
}

func TestAKindWithSnapshotsHasNoRow(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a shape of a kind with snapshots was taken")
		}
	}()
	tallyBus(memory.New(), nil, tallyKind, commands.Config{}, nil).WithShape(tallyKind.Name, commands.Shape{})
}

func TestACommandFurtherBackThanTheStreamRemembersIsARepeatInAnyCompany(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := commands.NewID()
	c.must(id, writeNote{"a"})
	first := make([]es.ID, 6)
	want := make([]commands.Outcome, len(first))
	for i := range first {
		first[i] = commands.NewID()
		want[i] = c.must(id, addToNote{N: 1}, command(first[i]))
	}
	slow := &countingStore{Store: store, delay: 2 * time.Millisecond} // so that they go out together.
	for name, s := range map[string]commands.Store{
		"with a store that finds commands": slow,
		"with one that does not":           onlyStore{slow},
	} {
		c.bus = commands.New(s, plainVault{}, es.NewRegistry(noteKind), noteOps(), commands.Config{Remember: 2})
		for range 4 {
			c.must(id, addToNote{N: 1})
		}
		for _, limit := range []int{0, 1} { // with the second it would be refused now.
			fine, refused := together(18, func(i int) error {
				if i >= len(first) {
					_, err := c.do(id, addToNote{N: 1})
					return err
				}
				again, err := c.do(id, addToNote{N: 1, Limit: limit}, command(first[i]))
				if err == nil && (!again.Repeat || again.Revision != want[i].Revision || sumOf(again) != sumOf(want[i])) {
					return fmt.Errorf("%s: it was told %+v, and again %+v", name, want[i], again)
				}
				return err
			})
			if fine != 18 {
				t.Errorf("%s, limit %d: %d of 18 are fine, refused: %v", name, limit, fine, refused)
			}
		}
	}
	if got := sumOf(c.must(id, addToNote{})); got != 6+2*(4+2*12) {
		t.Errorf("the sum is %d, want %d", got, 6+2*(4+2*12))
	}
}

// onlyStore is a store that can do no more than it must.
type onlyStore struct{ commands.Store }

// tailStore knows the most events that one read gave.
type tailStore struct {
	*memory.Store
	mu   sync.Mutex
	most int
}

func (s *tailStore) ReadStream(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error) {
	events, err := s.Store.ReadStream(ctx, stream, from)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, len(events))
	return events, err
}

type fixedSnapshot struct{ s commands.Snapshot }

func (f fixedSnapshot) Snapshot(context.Context, es.StreamID) (commands.Snapshot, bool, error) {
	return f.s, true, nil
}

func (fixedSnapshot) KeepSnapshot(context.Context, commands.Snapshot) error { return nil }

type brokenSnapshots struct{}

func (brokenSnapshots) Snapshot(context.Context, es.StreamID) (commands.Snapshot, bool, error) {
	return commands.Snapshot{}, false, context.DeadlineExceeded
}

func (brokenSnapshots) KeepSnapshot(context.Context, commands.Snapshot) error {
	return context.DeadlineExceeded
}
