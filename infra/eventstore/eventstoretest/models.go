package eventstoretest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
	"github.com/igny8/igny8/infra/eventstore/memory"
)

func models() map[string]check {
	return map[string]check{"any calls are answered as the memory store answers them": asMemory}
}

// asMemory makes random calls of few streams, claims and counters, good and
// bad, repeated and mixed in one call, and compares every answer and the
// streams' ends with those of the memory store.
func asMemory(t *testing.T, f Fixture) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		model := memory.New()
		for range rapid.IntRange(1, 6).Draw(rt, "calls") {
			appends := make([]es.Append, rapid.IntRange(1, 12).Draw(rt, "appends"))
			for i := range appends {
				appends[i] = w.draw(rt)
			}
			got, want := f.Store.AppendMany(t.Context(), appends), model.AppendMany(t.Context(), appends)
			for i := range want {
				if g, w := outcome(got[i]), outcome(want[i]); g != w {
					rt.Fatalf("append %d of %d to %s at %d with %v: got %s, want %s",
						i, len(appends), appends[i].Stream, appends[i].Expected, appends[i].Claims, g, w)
				}
				w.saw(appends[i], want[i])
			}
		}
		for _, s := range w.streams {
			got, err := f.Store.ReadStream(t.Context(), s, 1)
			want, _ := model.ReadStream(t.Context(), s, 1)
			if err != nil || len(got) != len(want) {
				rt.Fatalf("%s has %d events (%v), want %d", s, len(got), err, len(want))
			}
			for i := range want {
				if got[i].ID != want[i].ID || !bytes.Equal(got[i].Data, want[i].Data) {
					rt.Fatalf("%s differs at revision %d", s, i+1)
				}
			}
		}
	})
}

// world is what random calls are about.
type world struct {
	streams  []es.StreamID
	scope    string
	counters []string
	at       map[es.StreamID]int64
	past     []es.Append
}

func newWorld() *world {
	w := &world{scope: newScope(), counters: []string{newScope(), newScope()}, at: map[es.StreamID]int64{}}
	for range 4 {
		w.streams = append(w.streams, newStream())
	}
	return w
}

func (w *world) draw(rt *rapid.T) es.Append {
	if len(w.past) > 0 && rapid.IntRange(0, 5).Draw(rt, "repeat") == 0 {
		return rapid.SampledFrom(w.past).Draw(rt, "past")
	}
	s := rapid.SampledFrom(w.streams).Draw(rt, "stream")
	expected := max(0, w.at[s]+int64(rapid.SampledFrom([]int{0, 0, 0, 0, 1, -1}).Draw(rt, "off")))
	var claims []es.ClaimChange
	for range rapid.IntRange(0, 3).Draw(rt, "claims") {
		key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")
		counter := rapid.SampledFrom(w.counters).Draw(rt, "counter")
		claims = append(claims, rapid.SampledFrom([]es.ClaimChange{
			take(w.scope, key), take(w.scope, key), release(w.scope, key),
			count(counter, 1, 4), count(counter, 2, 4), count(counter, -1, 4),
		}).Draw(rt, "claim"))
	}
	a := AppendOf(s, expected, rapid.IntRange(1, 3).Draw(rt, "events"), claims...)
	if len(w.past) > 0 && rapid.IntRange(0, 9).Draw(rt, "mixed") == 0 {
		a.Events[len(a.Events)-1].ID = rapid.SampledFrom(w.past).Draw(rt, "donor").Events[0].ID
	}
	// A later append of the same call most often follows this one.
	w.at[s] = expected + int64(len(a.Events))
	w.past = append(w.past, a)
	return a
}

func (w *world) saw(a es.Append, r es.AppendResult) {
	var wrong *es.WrongRevisionError
	switch {
	case errors.As(r.Err, &wrong):
		w.at[a.Stream] = wrong.Actual
	case r.Err == nil && !r.Repeat:
		w.at[a.Stream] = r.Revision
	}
}

// outcome is what two stores must agree on.
func outcome(r es.AppendResult) string {
	var wrong *es.WrongRevisionError
	var refused *es.ClaimRefusedError
	switch {
	case r.Err == nil:
		return fmt.Sprintf("revision %d, repeat %v", r.Revision, r.Repeat)
	case errors.As(r.Err, &wrong):
		return fmt.Sprintf("conflict at %d", wrong.Actual)
	case errors.As(r.Err, &refused):
		return fmt.Sprintf("refused %+v", *refused)
	case errors.Is(r.Err, eventstore.ErrEventIDTaken):
		return "event id taken"
	default:
		return r.Err.Error()
	}
}
