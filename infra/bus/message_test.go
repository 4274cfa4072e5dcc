package bus_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
)

func ids() *rapid.Generator[es.ID] {
	return rapid.Custom(func(t *rapid.T) (id es.ID) {
		if rapid.Bool().Draw(t, "is set") {
			copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		}
		return id
	})
}

func events() *rapid.Generator[es.Recorded] {
	return rapid.Custom(func(t *rapid.T) es.Recorded {
		rec := es.Recorded{Envelope: es.Envelope{
			Position: rapid.Int64Min(1).Draw(t, "position"), Revision: rapid.Int64Min(1).Draw(t, "revision"),
			ID: uuid.New(), Stream: es.StreamID{Account: ids().Draw(t, "account"), Kind: "planner.keyword", ID: ids().Draw(t, "stream")},
			Type: "planner.keyword.created.v1", RecordedAt: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "time")).UTC(),
			Site: ids().Draw(t, "site"), Sector: ids().Draw(t, "sector"), Actor: es.Actor{Kind: es.UserActor, ID: ids().Draw(t, "actor")},
			Correlation: ids().Draw(t, "correlation"), Causation: ids().Draw(t, "causation"), Command: ids().Draw(t, "command"),
			Request: rapid.String().Draw(t, "request"),
		}}
		copy(rec.DataHash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		if rec.Purged = rapid.Bool().Draw(t, "purged"); !rec.Purged {
			rec.Data = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "data")
			rec.Salt = rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "salt")
		}
		return rec
	})
}

func TestAMessageHoldsTheWholeEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := events().Draw(t, "event")
		m := bus.Message(want)
		got, err := bus.Recorded(m)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v (%v), want %+v", got, err, want)
		}
		if m.UUID != want.ID.String() {
			t.Fatalf("the message's id is %s", m.UUID)
		}
	})
}

func TestWhatIsNoEventIsAnErrorThatNamesTheKeys(t *testing.T) {
	t.Parallel()
	m := bus.Message(es.Recorded{Envelope: es.Envelope{Stream: es.StreamID{Kind: "a.b"}}})
	delete(m.Metadata, "ce_time")
	m.Metadata["ce_position"] = "first"
	_, err := bus.Recorded(m)
	if err == nil || !strings.Contains(err.Error(), "ce_time") || !strings.Contains(err.Error(), "ce_position") {
		t.Fatalf("%v", err)
	}
}

func TestAGroupSubscribesToTheModulesOfItsTypes(t *testing.T) {
	t.Parallel()
	modules := []string{"identity", "planner", "tenancy"}
	for _, c := range []struct{ types, want []string }{
		{[]string{"tenancy.site.*", "tenancy.sector.deleted.v1", "planner.*"}, []string{"igny8.events.planner", "igny8.events.tenancy"}},
		{[]string{"*"}, []string{"igny8.events.identity", "igny8.events.planner", "igny8.events.tenancy"}},
		{[]string{"pl*"}, []string{"igny8.events.planner"}},
	} {
		if got := bus.Topics(c.types, modules); !slices.Equal(got, c.want) {
			t.Errorf("%v come from %v, want %v", c.types, got, c.want)
		}
	}
	if got := bus.Topic("planner.keyword.created.v1"); got != "igny8.events.planner" {
		t.Error(got)
	}
}
