package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/projections"
)

func account(n byte) es.ID { return es.ID{0: 1, 15: n} }

// written appends n events, each to a stream of its own, in accounts 1 and 2
// by turns.
func written(t *testing.T, store *memory.Store, n int) {
	t.Helper()
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := int(head) + 1; i <= int(head)+n; i++ {
		stream := es.StreamID{Account: account(byte(i%2 + 1)), Kind: "test.thing", ID: es.Derive(es.ID{}, "thing", i)}
		e := es.NewEvent{
			Envelope: es.Envelope{
				ID: es.Derive(stream.ID, "event", 0), Stream: stream, Revision: 1, Type: "test.thing.made.v1",
				Actor: es.System(), Command: es.Derive(stream.ID, "command", 0),
			},
			Data: fmt.Appendf(nil, `{"n":%d}`, i), Salt: make([]byte, 32),
		}
		e.DataHash = es.HashData(e.Salt, e.Data)
		if _, err := store.Append(t.Context(), es.Append{Stream: stream, Events: []es.NewEvent{e}}); err != nil {
			t.Fatal(err)
		}
	}
}

func pulled(t *testing.T, p parts, line string) []printedEvent {
	t.Helper()
	got := call(t, p, line)
	if got.code != exitDone {
		t.Fatalf("igny8 %s: %+v", line, got)
	}
	var all []printedEvent
	for dec := json.NewDecoder(strings.NewReader(got.stdout)); dec.More(); {
		var e printedEvent
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestPullPrintsEventsInOrderUpToTheLimitOrTheEnd(t *testing.T) {
	t.Parallel()
	store, closed := memory.New(), false
	written(t, store, pageSize+10)
	p := parts{log: opened[projections.Log](store, &closed)}
	for line, want := range map[string]struct {
		n     int
		first int64
	}{
		"events pull --json":                                                              {100, 1},
		"events pull --json --limit=0":                                                    {pageSize + 10, 1},
		"events pull --json --after=1005":                                                 {5, 1006},
		"events pull --json --after=5000":                                                 {0, 0},
		"events pull --json --limit=3 --account=" + account(2).String():                   {3, 1},
		"events pull --json --limit=0 --account=" + account(2).String():                   {pageSize/2 + 5, 1},
		"events pull --json --types=test.*,other.x.v1 --limit=2":                          {2, 1},
		"events pull --json --types=other.*":                                              {0, 0},
		fmt.Sprintf("events pull --json --after=%d --limit=0 --types=test.*", pageSize-1): {11, pageSize},
	} {
		all := pulled(t, p, line)
		if len(all) != want.n || want.n > 0 && all[0].Position != want.first {
			t.Errorf("igny8 %s: %d events, first %+v; want %+v", line, len(all), all[:min(1, len(all))], want)
		}
		for i := 1; i < len(all); i++ {
			if all[i].Position <= all[i-1].Position {
				t.Fatalf("igny8 %s: position %d after %d", line, all[i].Position, all[i-1].Position)
			}
		}
	}
	if !closed {
		t.Error("the log is not closed")
	}
}

func TestAPurgedEventIsPrintedWithoutItsData(t *testing.T) {
	t.Parallel()
	store, closed := memory.New(), false
	written(t, store, 1)
	page, err := store.Read(t.Context(), 0, es.Filter{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Purge(t.Context(), page.Events[0].Stream, 1); err != nil {
		t.Fatal(err)
	}
	p := parts{log: opened[projections.Log](store, &closed)}
	if got := call(t, p, "events pull --json"); !strings.Contains(got.stdout, `"data":null`) {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "events pull"); !strings.Contains(got.stdout, "test.thing.made.v1") || !strings.Contains(got.stdout, "(purged)") {
		t.Errorf("%+v", got)
	}
}

func TestTailPrintsWhatHappensUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	store, closed := memory.New(), false
	written(t, store, 2)
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	go func() {
		defer func() { _ = writer.Close() }()
		code <- run(ctx, strings.Fields("events tail --json --after=1"), parts{log: opened[projections.Log](store, &closed)},
			session{stdin: strings.NewReader(""), stdout: writer, stderr: io.Discard})
	}()
	lines := bufio.NewScanner(reader)
	for want := int64(2); want <= 4; want++ {
		if !lines.Scan() {
			t.Fatalf("it ended before position %d: %v", want, lines.Err())
		}
		if e := decoded[printedEvent](t, lines.Text()); e.Position != want {
			t.Fatalf("got position %d, want %d", e.Position, want)
		}
		written(t, store, 1)
	}
	interrupt()
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	if got := <-code; got != exitDone {
		t.Errorf("code %d", got)
	}
	if !closed {
		t.Error("the log is not closed")
	}
}
