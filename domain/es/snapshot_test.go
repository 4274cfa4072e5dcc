package es_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
)

type kept struct {
	es.Entity
	Sum  int64
	At   time.Time
	Open map[es.ID][]struct{ N *int64 }
}

type told struct {
	Name es.Personal `json:"name"`
}

func (told) EventType() string { return "test.kept.told.v1" }

func keptKind[S any](events ...es.Event) es.Kind[S] {
	return es.Kind[S]{Name: "test.kept", Events: es.Events(events...).WithLifecycle(), Evolve: func(*S, es.Event) {}, Snapshots: 1}
}

func TestOnlyWhatReadsBackAsItWasCanHaveSnapshots(t *testing.T) {
	t.Parallel()
	es.NewRegistry(keptKind[kept]())
	type hidden struct {
		es.Entity
		sum int //nolint:unused // that is the point.
	}
	type person struct {
		es.Entity
		Names []struct{ First es.Personal }
	}
	type leftOut struct {
		es.Entity
		Sum int `json:"-"`
	}
	type One struct{ Sum int }
	type Other struct{ Sum int }
	type twice struct {
		es.Entity
		One
		Other
	}
	type open struct {
		es.Entity
		Any any
	}
	for want, kind := range map[string]es.AnyKind{
		"hidden.sum is not exported":       keptKind[hidden](),
		"person.Names[].First is personal": keptKind[person](),
		"its JSON form loses something":    keptKind[leftOut](),
		"two of one name":                  keptKind[twice](),
		"test.kept.told.v1 has personal":   keptKind[kept](told{}),
		"open.Any is a interface":          keptKind[open](),
	} {
		if got := panicOf(func() { es.NewRegistry(kind) }); !strings.Contains(got, want) {
			t.Errorf("got the panic %q, want one that says %q", got, want)
		}
	}
}

func panicOf(f func()) (said string) {
	defer func() { said = fmt.Sprint(recover()) }()
	f()
	return ""
}
