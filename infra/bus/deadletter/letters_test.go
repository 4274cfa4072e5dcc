package deadletter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func event(position int64) es.Recorded {
	return es.Recorded{Envelope: es.Envelope{
		Position: position, ID: uuid.New(), Type: "test.note.added.v1", Request: "req",
		Stream: es.StreamID{Account: uuid.New(), Kind: "test.note", ID: uuid.New()},
	}}
}

func TestALetterIsDeadThenReplayingThenReplayedAndMayDieAgain(t *testing.T) {
	t.Parallel()
	letters := deadletter.New(pgtest.New(t).Postgres.Pool(postgres.RoleProjector))
	one, two := event(1), event(2)
	since := time.Now().Add(-time.Minute)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(letters.Bury(t.Context(), "a", one, errors.New("broken\x00\xff"+strings.Repeat("é", 2000)), 4, since))
	must(letters.Bury(t.Context(), "b", one, errors.New("broken"), 4, since))
	must(letters.Bury(t.Context(), "a", two, errors.New("broken"), 4, since))
	state := func(f deadletter.Filter) deadletter.Letter {
		t.Helper()
		found, err := letters.List(t.Context(), f, 10)
		if err != nil || len(found) != 1 {
			t.Fatalf("%v: %+v, %v", f, found, err)
		}
		return found[0]
	}
	ofOne := deadletter.Filter{Groups: []string{"a"}, Event: one.ID}
	if d := state(ofOne); d.State != deadletter.Dead || d.Attempts != 4 || d.Stream != one.Stream.String() || !strings.HasPrefix(d.Error, "broken??é") || d.Request != "req" {
		t.Errorf("buried: %+v", d)
	}
	for _, want := range []int64{1, 0} {
		if n, err := letters.Replay(t.Context(), ofOne); err != nil || n != want {
			t.Errorf("asked to replay %d, %v; want %d", n, err, want)
		}
	}
	if d := state(deadletter.Filter{States: []deadletter.State{deadletter.Replaying}}); d.Event != one.ID || d.Group != "a" {
		t.Errorf("replaying is %+v", d)
	}
	must(letters.Bury(t.Context(), "a", one, errors.New("still"), 3, since))
	if d := state(ofOne); d.State != deadletter.Dead || d.Attempts != 7 || d.Error != "still" {
		t.Errorf("died again: %+v", d)
	}
	must(letters.Replayed(t.Context(), "a", one))
	if d := state(ofOne); d.State != deadletter.Replayed {
		t.Errorf("replayed: %+v", d)
	}
	open, err := letters.Open(t.Context())
	if err != nil || len(open) != 2 || open["a"] != 1 || open["b"] != 1 {
		t.Errorf("open: %v, %v", open, err)
	}
	if n, err := letters.Replay(t.Context(), deadletter.Filter{}); err != nil || n != 2 {
		t.Errorf("all: %d, %v", n, err)
	}
}
