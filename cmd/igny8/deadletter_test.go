package main

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
)

// lettersInMemory gives one letter, and notes what it was asked.
type lettersInMemory struct {
	letter   deadletter.Letter
	filter   deadletter.Filter
	limit    int
	replayed bool
}

func (l *lettersInMemory) List(_ context.Context, f deadletter.Filter, limit int) ([]deadletter.Letter, error) {
	l.filter, l.limit = f, limit
	if f.Event != (es.ID{}) && f.Event != l.letter.Event {
		return nil, nil
	}
	return []deadletter.Letter{l.letter}, nil
}

func (l *lettersInMemory) Replay(_ context.Context, f deadletter.Filter) (int64, error) {
	l.filter, l.replayed = f, true
	return 3, nil
}

func oneLetter() *lettersInMemory {
	return &lettersInMemory{letter: deadletter.Letter{
		Group: "tenancy.cascade", Event: uuid.MustParse("0199c0de-0000-7000-8000-000000000001"), Position: 42, Type: "tenancy.site.deleted.v1",
		Error: "it is broken\nand here is the stack", Attempts: 4, State: deadletter.Dead, Last: time.Unix(0, 0),
	}}
}

func TestDeadLettersAreListedShownAndReplayed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line   string
		filter deadletter.Filter
		says   string
	}{
		{"deadletter list", deadletter.Filter{States: []deadletter.State{"dead", "replaying"}}, "it is broken..."},
		{"deadletter list --group=g --state=replayed", deadletter.Filter{Groups: []string{"g"}, States: []deadletter.State{"replayed"}}, "tenancy.cascade"},
		{"deadletter show 0199c0de-0000-7000-8000-000000000001", deadletter.Filter{Event: oneLetter().letter.Event}, "and here is the stack"},
		{"deadletter replay --all", deadletter.Filter{}, "3 dead letters"},
		{"deadletter replay --group=g", deadletter.Filter{Groups: []string{"g"}}, "3 dead letters"},
		{"deadletter replay 0199c0de-0000-7000-8000-000000000001", deadletter.Filter{Event: oneLetter().letter.Event}, "3 dead letters"},
	} {
		letters, closed := oneLetter(), false
		got := call(t, parts{deadletters: opened[letterKeeper](letters, &closed)}, c.line)
		if got.code != exitDone || !strings.Contains(got.stdout, c.says) || !reflect.DeepEqual(letters.filter, c.filter) || !closed {
			t.Errorf("igny8 %s: %+v, asked for %+v", c.line, got, letters.filter)
		}
		if letters.replayed != strings.Contains(c.line, "replay ") {
			t.Errorf("igny8 %s: replayed %v", c.line, letters.replayed)
		}
	}
}

func TestDeadLettersAreObjectsToScripts(t *testing.T) {
	t.Parallel()
	closed := false
	got := call(t, parts{deadletters: opened[letterKeeper](oneLetter(), &closed)}, "deadletter list --json")
	found := decoded[struct {
		Letters []deadletter.Letter `json:"dead_letters"`
	}](t, got.stdout)
	if len(found.Letters) != 1 || found.Letters[0].Position != 42 || found.Letters[0].Error != oneLetter().letter.Error {
		t.Errorf("%+v", got)
	}
}

func TestWhichDeadLettersMustBeSaid(t *testing.T) {
	t.Parallel()
	for line, code := range map[string]int{
		"deadletter replay":                                         exitUsage,
		"deadletter replay --all --group=g":                         exitUsage,
		"deadletter replay x":                                       exitUsage,
		"deadletter list --limit=0":                                 exitUsage,
		"deadletter list --state=lost":                              exitUsage,
		"deadletter show 0199c0de-0000-7000-8000-00000000ffff":      exitFailed,
		"deadletter show 0199c0de-0000-7000-8000-000000000001 more": exitUsage,
	} {
		closed := false
		letters := oneLetter()
		if got := call(t, parts{deadletters: opened[letterKeeper](letters, &closed)}, line); got.code != code || letters.replayed || got.stdout != "" {
			t.Errorf("igny8 %s: %+v", line, got)
		}
	}
}
