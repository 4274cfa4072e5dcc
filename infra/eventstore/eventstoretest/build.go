package eventstoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
)

const kind = "planner.keyword"

func newID() es.ID { return uuid.Must(uuid.NewV7()) }

func newStream() es.StreamID { return streamOf(newID()) }

func streamOf(account es.ID) es.StreamID {
	return es.StreamID{Account: account, Kind: kind, ID: newID()}
}

// AppendOf is a well-formed append of n events of the type
// "planner.keyword.changed.v1" with every field of the envelope set, under a
// new command id.
func AppendOf(stream es.StreamID, expected int64, n int, claims ...es.ClaimChange) es.Append {
	a := es.Append{Stream: stream, Expected: expected, Claims: claims}
	command := newID()
	site, sector, actor := newID(), newID(), es.Actor{Kind: es.UserActor, ID: newID()}
	for i := range n {
		salt := bytes.Repeat([]byte{byte(i + 1)}, 32)
		data := fmt.Appendf(nil, `{"command":%q,"n":%d}`, command, i)
		a.Events = append(a.Events, es.NewEvent{
			Envelope: es.Envelope{
				ID: es.EventID(command, i), Stream: stream, Revision: expected + int64(i) + 1,
				Type: kind + ".changed.v1", Site: site, Sector: sector, Actor: actor,
				Correlation: newID(), Causation: newID(), Command: command, Request: "req-" + command.String(),
				DataHash: es.HashData(salt, data),
			},
			Data: data, Salt: salt,
		})
	}
	return a
}

func take(scope, key string) es.ClaimChange {
	return es.ClaimChange{Op: es.TakeClaim, Scope: scope, Key: []byte(key)}
}

func release(scope, key string) es.ClaimChange {
	return es.ClaimChange{Op: es.ReleaseClaim, Scope: scope, Key: []byte(key)}
}

func count(scope string, delta, limit int64) es.ClaimChange {
	return es.ClaimChange{Op: es.CountClaim, Scope: scope, Delta: delta, Limit: limit}
}

func newScope() string { return "scope/" + newID().String() }

// mustAppend appends and fails the test on any error.
func mustAppend(t *testing.T, f Fixture, a es.Append) es.Appended {
	t.Helper()
	done, err := f.Store.Append(t.Context(), a)
	if err != nil {
		t.Fatalf("append to %s at %d: %v", a.Stream, a.Expected, err)
	}
	return done
}

func mustRead(t *testing.T, f Fixture, stream es.StreamID) []es.Recorded {
	t.Helper()
	events, err := f.Store.ReadStream(t.Context(), stream, 1)
	if err != nil {
		t.Fatalf("read %s: %v", stream, err)
	}
	return events
}

// wantRevision fails unless err is a conflict at the actual revision and
// nothing of the append is stored.
func wantRevision(t *testing.T, err error, stream es.StreamID, actual int64) {
	t.Helper()
	var wrong *es.WrongRevisionError
	if !errors.As(err, &wrong) || wrong.Stream != stream || wrong.Actual != actual {
		t.Fatalf("got %#v, want a WrongRevisionError of %s at revision %d", err, stream, actual)
	}
}

func wantRefused(t *testing.T, err error, want es.ClaimRefusedError) {
	t.Helper()
	var refused *es.ClaimRefusedError
	if !errors.As(err, &refused) || *refused != want {
		t.Fatalf("got %#v, want %#v", err, want)
	}
}

// logged waits until the log holds n events that the filter picks after a
// position, and returns them.
func logged(t *testing.T, f Fixture, after int64, filter es.Filter, n int) []es.Recorded {
	t.Helper()
	events, err := follow(t.Context(), f, after, filter, n)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func follow(ctx context.Context, f Fixture, after int64, filter es.Filter, n int) ([]es.Recorded, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var events []es.Recorded
	for {
		page, err := f.Log.Read(ctx, after, filter, 100)
		if err != nil {
			return nil, fmt.Errorf("read the log after %d: %d of %d events: %w", after, len(events), n, err)
		}
		events = append(events, page.Events...)
		if len(events) >= n {
			return events, nil
		}
		if page.Through == after {
			if _, err := f.Log.Wait(ctx, after); err != nil {
				return nil, fmt.Errorf("wait for the log past %d: %d of %d events: %w", after, len(events), n, err)
			}
		}
		after = page.Through
	}
}

const patience = 20 * time.Second

// sameEvents fails unless got are the appended events as they were given, with
// what the store adds left out.
func sameEvents(t *testing.T, got []es.Recorded, want ...es.Append) {
	t.Helper()
	var all []es.NewEvent
	for _, a := range want {
		all = append(all, a.Events...)
	}
	if len(got) != len(all) {
		t.Fatalf("got %d events, want %d", len(got), len(all))
	}
	for i, e := range got {
		e.Position, e.RecordedAt = 0, time.Time{}
		if e.Envelope != all[i].Envelope || !bytes.Equal(e.Data, all[i].Data) || !bytes.Equal(e.Salt, all[i].Salt) || e.Purged {
			t.Errorf("event %d is %+v, want %+v", i, e, all[i])
		}
	}
}

func revisions(events []es.Recorded) []int64 {
	r := make([]int64, len(events))
	for i, e := range events {
		r[i] = e.Revision
	}
	return r
}

func wantRevisions(t *testing.T, events []es.Recorded, want ...int64) {
	t.Helper()
	if got := revisions(events); !slices.Equal(got, want) {
		t.Fatalf("got revisions %v, want %v", got, want)
	}
}
