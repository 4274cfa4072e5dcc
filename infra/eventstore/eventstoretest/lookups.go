package eventstoretest

import (
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// lookups are what a store may do besides; every one of ours does.
func lookups() map[string]check {
	return map[string]check{
		"many streams are read at once, in the order asked": func(t *testing.T, f Fixture) {
			store, can := f.Store.(commands.ManyStreams)
			if !can {
				t.Fatal("it does not read many streams at once")
			}
			account := newID()
			long, short, never := streamOf(account), streamOf(newID()), streamOf(account)
			longs := []es.Append{AppendOf(long, 0, 3), AppendOf(long, 3, 2)}
			shorts := AppendOf(short, 0, 1)
			mustAppend(t, f, longs[0])
			mustAppend(t, f, shorts)
			mustAppend(t, f, longs[1])
			for _, asked := range [][]es.StreamID{{long}, {short, never, long, short}, {}} {
				all, err := store.ReadStreams(t.Context(), asked)
				if err != nil || len(all) != len(asked) {
					t.Fatalf("%d streams were read (%v), want %d", len(all), err, len(asked))
				}
				for i, events := range all {
					switch asked[i] {
					case long:
						sameEvents(t, events, longs...)
					case short:
						sameEvents(t, events, shorts)
					case never:
						sameEvents(t, events)
					}
				}
			}
		},
		"the last revision of a command is found, in its own stream": func(t *testing.T, f Fixture) {
			store, can := f.Store.(commands.CommandFinder)
			if !can {
				t.Fatal("it does not find commands")
			}
			account := newID()
			s, other := streamOf(account), streamOf(account)
			one, nine, elsewhere := AppendOf(s, 0, 1), AppendOf(s, 1, 9), AppendOf(other, 0, 1)
			four := AppendOf(s, 10, 4)
			for _, a := range []es.Append{one, nine, four, elsewhere} {
				mustAppend(t, f, a)
			}
			of := func(a es.Append) es.ID { return a.Events[0].Command }
			found, err := store.RevisionsOf(t.Context(), s, []es.ID{of(four), newID(), of(nine), of(elsewhere), of(one)})
			if err != nil || len(found) != 3 || found[of(one)] != 1 || found[of(nine)] != 10 || found[of(four)] != 14 {
				t.Errorf("found %v (%v), want revisions 1, 10 and 14", found, err)
			}
		},
	}
}
