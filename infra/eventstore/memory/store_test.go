package memory_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/memory"
)

func TestMemoryIsAnEventStore(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(*testing.T) eventstoretest.Fixture {
		s := memory.New()
		return eventstoretest.Fixture{Store: s, Log: s, Holder: s.ClaimHolder}
	})
}

func TestRecordedTimesStandStillWhileTheClockGoesBack(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 1234, time.UTC)
	now := noon
	s := memory.New(memory.WithClock(func() time.Time { return now }))
	first, err := s.Append(t.Context(), eventstoretest.AppendOf(es.StreamID{Account: es.ID{1}, Kind: "k", ID: es.ID{1}}, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	now = noon.Add(-time.Hour)
	second, err := s.Append(t.Context(), eventstoretest.AppendOf(es.StreamID{Account: es.ID{1}, Kind: "k", ID: es.ID{2}}, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if want := noon.Truncate(time.Microsecond); !first.RecordedAt.Equal(want) || !second.RecordedAt.Equal(want) {
		t.Errorf("recorded at %v and %v, want %v twice", first.RecordedAt, second.RecordedAt, want)
	}
}

func TestAppendedBytesAreTheStoresOwn(t *testing.T) {
	t.Parallel()
	s := memory.New()
	a := eventstoretest.AppendOf(es.StreamID{Account: es.ID{1}, Kind: "k", ID: es.ID{1}}, 0, 1)
	if _, err := s.Append(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	salt := bytes.Clone(a.Events[0].Salt)
	a.Events[0].Salt[0]++
	events, err := s.ReadStream(t.Context(), a.Stream, 1)
	if err != nil || !bytes.Equal(events[0].Salt, salt) {
		t.Errorf("the salt reads %x (%v), want %x", events[0].Salt, err, salt)
	}
}
