package es_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
)

// person is an aggregate for these tests, with a personal field and both sorts
// of claims.
type person struct {
	es.Entity
	email es.Personal
	seats int64
	notes []string
}

type joined struct {
	Email es.Personal `json:"email"`
	Seats int64       `json:"seats"`
	Home  struct {
		Street es.Personal `json:"street"`
	} `json:"home"`
}

func (joined) EventType() string { return "test.person.joined.v1" }

type noted struct {
	Note string `json:"note"`
}

func (noted) EventType() string { return "test.person.noted.v1" }

var personKind = es.Kind[person]{
	Name: "test.person",
	Evolve: func(p *person, e es.Event) {
		switch e := e.(type) {
		case joined:
			p.email, p.seats = e.Email, e.Seats
		case noted:
			p.notes = append(slices.Clip(p.notes), e.Note)
		}
	},
	Events: es.Events(joined{}, noted{}).WithLifecycle(),
	Holds: func(p person) es.Held {
		return es.Held{
			Unique: []es.Unique{{Scope: "email", Key: p.email.String(), Global: true, Personal: true}},
			Counts: []es.Count{{Resource: "seats", N: p.seats}},
		}
	},
	Keeps: func(p person) error {
		if p.seats == 9 {
			return es.Refuse(es.Conflict, "kept", "It is kept.")
		}
		return nil
	},
}

type join struct {
	email string
	seats int64
}

func (c join) Decide(es.Env, person) ([]es.Event, error) {
	return []es.Event{joined{Email: es.NewPersonal(c.email), Seats: c.seats}}, nil
}

type note struct{ text string }

func (c note) Decide(_ es.Env, p person) ([]es.Event, error) {
	if slices.Contains(p.notes, c.text) {
		return nil, nil
	}
	return []es.Event{noted{Note: c.text}}, nil
}

func TestEveryLifeKeepsTheRules(t *testing.T) {
	t.Parallel()
	estest.CheckLifecycle(t, personKind,
		func(t *rapid.T) estest.Decider[person] {
			return join{email: rapid.String().Draw(t, "email"), seats: rapid.Int64Range(1, 8).Draw(t, "seats")}
		},
		func(t *rapid.T) estest.Decider[person] {
			return note{text: rapid.StringMatching("[a-c]{1,2}").Draw(t, "note")}
		})
}

func TestAKindCanRefuseItsDeletion(t *testing.T) {
	t.Parallel()
	estest.Given(t, personKind, joined{Seats: 9}).Delete("").ThenRefused(es.Conflict, "kept")
	if err := personKind.KeptBy(personKind.Zero()); err != nil {
		t.Errorf("what does not exist is kept: %v", err)
	}
}

func TestACascadedRestoreTouchesOnlyItsOwnDeletion(t *testing.T) {
	t.Parallel()
	mine, other := estest.ID(1), estest.ID(2)
	p := estest.Given(t, personKind, joined{}).Delete("").State()
	env := es.Env{Now: estest.Now}
	if events, err := p.Restore(env, other, true); err != nil || len(events) > 0 {
		t.Errorf("another deletion's restore gave %v, %v", events, err)
	}
	if events, err := p.Restore(env, mine, true); err != nil || !reflect.DeepEqual(events, []es.Event{es.Restored{DeletionID: mine, Cascaded: true}}) {
		t.Errorf("its own gave %v, %v", events, err)
	}
}

func TestAPurgedEventIsAnEnvelopeWithoutData(t *testing.T) {
	t.Parallel()
	e, err := es.NewRegistry(personKind).Decode(es.Recorded{Purged: true})
	if e != nil || err != nil {
		t.Fatalf("%v, %v", e, err)
	}
	env := es.Envelope{Stream: es.StreamID{Kind: personKind.Name, ID: estest.Target}, Revision: 1}
	p, _ := personKind.Fold(personKind.Zero(), env, nil).(person)
	if p.Revision != 1 || p.ID != estest.Target {
		t.Errorf("folded to %+v", p)
	}
}

func held(t *rapid.T) es.Held {
	h := es.Held{}
	for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "keys") {
		h.Unique = append(h.Unique, es.Unique{Scope: "s", Key: key})
	}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"x", "y"}), rapid.ID).Draw(t, "names") {
		h.Counts = append(h.Counts, es.Count{Resource: name, N: rapid.Int64Range(0, 3).Draw(t, "n")})
	}
	return h
}

func TestADifferenceOfClaimsLeadsFromOneToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := held(t), held(t)
		release, take, counts := es.Diff(before, after)
		have := map[string]bool{}
		for _, u := range before.Unique {
			have[u.Key] = true
		}
		for _, u := range release {
			if !have[u.Key] {
				t.Fatalf("releases %q, which was not held", u.Key)
			}
			delete(have, u.Key)
		}
		for _, u := range take {
			if have[u.Key] {
				t.Fatalf("takes %q, which is held", u.Key)
			}
			have[u.Key] = true
		}
		want := map[string]bool{}
		for _, u := range after.Unique {
			want[u.Key] = true
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("holds %v, want %v", have, want)
		}
		sums := map[string]int64{}
		for _, c := range append(slices.Clone(before.Counts), counts...) {
			sums[c.Resource] += c.N
		}
		for _, c := range after.Counts {
			sums[c.Resource] -= c.N
		}
		for name, n := range sums {
			if n != 0 {
				t.Fatalf("%s is off by %d", name, n)
			}
		}
		for _, c := range counts {
			if c.N == 0 {
				t.Fatalf("counts nothing of %s", c.Resource)
			}
		}
	})
}

func TestStreamAndActorReadTheirOwnText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := func(name string) es.ID {
			return es.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		}
		s := es.StreamID{Account: id("account"), Kind: "planner.keyword", ID: id("id")}
		if back, err := es.ParseStreamID(s.String()); err != nil || back != s {
			t.Fatalf("%s came back as %v, %v", s, back, err)
		}
		a := es.Actor{Kind: es.KeyActor, ID: id("actor")}
		if back, err := es.ParseActor(a.String()); err != nil || back != a {
			t.Fatalf("%s came back as %v, %v", a, back, err)
		}
		garbage := rapid.String().Draw(t, "garbage")
		if s, err := es.ParseStreamID(garbage); err == nil && s.Kind == "" {
			t.Fatalf("%q is a stream without a kind", garbage)
		}
		_, _ = es.ParseActor(garbage) // must not panic.
	})
}

func TestDerivedIdsAreTheSameAgainAndKeepTheirTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parent := es.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "parent"))
		n := rapid.IntRange(0, 1000).Draw(t, "n")
		id := es.Derive(parent, "x", n)
		if id != es.Derive(parent, "x", n) {
			t.Fatal("differs when made again")
		}
		if id.Version() != 7 || id.Variant() != uuid.RFC4122 || !slices.Equal(id[:6], parent[:6]) {
			t.Fatalf("%s is no UUIDv7 of the time of %s", id, parent)
		}
		if id == es.Derive(parent, "y", n) || id == es.Derive(parent, "x", n+1) || id == es.EventID(parent, n) {
			t.Fatal("two purposes share an id")
		}
	})
}

func TestPersonalFieldsAreNeverStoredInTheClear(t *testing.T) {
	t.Parallel()
	e := joined{Email: es.NewPersonal("ann@example.com")}
	e.Home.Street = es.NewPersonal("Main Street 1")
	if _, err := es.Encode(e); err == nil || strings.Contains(err.Error(), "ann@") || !strings.Contains(err.Error(), "email") && !strings.Contains(err.Error(), "street") {
		t.Fatalf("encoded an open personal field: %v", err)
	}
	var paths []string
	sealed := es.WithPersonal(e, func(path string, p *es.Personal) {
		paths = append(paths, path)
		p.SetSealed(es.SealedPrefix + "abc")
	})
	if !slices.Equal(paths, []string{"email", "home.street"}) {
		t.Errorf("personal fields %v", paths)
	}
	if e.Email.String() != "ann@example.com" {
		t.Error("sealing changed the event that was given")
	}
	data, err := es.Encode(sealed)
	if err != nil || strings.Contains(string(data), "ann@") {
		t.Fatalf("%s, %v", data, err)
	}
	if _, err := e.Email.Value(); err == nil {
		t.Error("an open personal field went into a read model")
	}
}

func TestAPersonalFieldReadsAsItsStateSays(t *testing.T) {
	t.Parallel()
	var p es.Personal
	if !p.IsZero() || p.String() != "" {
		t.Errorf("zero value reads %q", p)
	}
	if err := p.Scan(es.SealedPrefix + "abc"); err != nil || p.String() != "sealed" {
		t.Errorf("sealed reads %q, %v", p, err)
	}
	if data, err := json.Marshal(p); err != nil || string(data) != `"sealed.1.abc"` {
		t.Errorf("sealed is written as %s, %v", data, err)
	}
	opened := p
	opened.SetOpened("Ann")
	if data, err := json.Marshal(opened); err != nil || string(data) != `"Ann"` {
		t.Errorf("opened is written as %s, %v", data, err)
	}
	if v, err := opened.Value(); err != nil || v != "sealed.1.abc" {
		t.Errorf("opened is stored as %v, %v", v, err)
	}
	p.SetErased()
	if data, err := json.Marshal(p); err != nil || string(data) != `"erased"` || !p.IsErased() {
		t.Errorf("erased is written as %s, %v", data, err)
	}
}

func TestAnOpenedEmptyTextIsNotShownSealed(t *testing.T) {
	t.Parallel()
	var p es.Personal
	p.SetSealed(es.SealedPrefix + "abc")
	p.SetOpened("")
	if data, err := json.Marshal(p); err != nil || string(data) != `""` {
		t.Errorf("written as %s, %v", data, err)
	}
}

func TestTheRegistryRefusesMistakes(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]es.AnyKind{
		"a kind twice":                    {personKind, personKind},
		"a name without a module":         {es.Kind[person]{Name: "person"}},
		"an event of another kind's name": {es.Kind[person]{Name: "test.other", Events: es.Events(noted{})}},
		"an event twice":                  {es.Kind[person]{Name: "test.person", Events: es.Events(noted{}, noted{})}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was registered", name)
				}
			}()
			es.NewRegistry(kinds...)
		}()
	}
	r := es.NewRegistry(personKind)
	if got := r.Types(); !slices.Contains(got, "test.person.deleted.v1") || len(got) != 5 {
		t.Errorf("types %v", got)
	}
	if e, ok := r.Example("test.person.noted.v1"); !ok || e != (noted{}) {
		t.Errorf("example %v", e)
	}
	if _, err := r.Decode(es.Recorded{Envelope: es.Envelope{Type: "test.person.left.v1"}}); err == nil {
		t.Error("decoded an unknown type")
	}
}

func TestRolesAreOrdered(t *testing.T) {
	t.Parallel()
	roles := es.Roles()
	for i, high := range roles {
		for j, low := range roles {
			if high.AtLeast(low) != (i <= j) {
				t.Errorf("%s at least %s: %v", high, low, high.AtLeast(low))
			}
		}
	}
	if es.Role("root").AtLeast("") || es.Role("").AtLeast("") {
		t.Error("what is no role may do something")
	}
}

func TestFaultsAreOneError(t *testing.T) {
	t.Parallel()
	faults := es.Faults{}
	if faults.Err() != nil {
		t.Fatal("no faults are an error")
	}
	faults.Add("a", "wrong by %d", 3)
	faults.Add("a", "and late")
	err := faults.Err()
	if es.ClassOf(err) != es.Invalid {
		t.Errorf("class %s", es.ClassOf(err))
	}
	if e, _ := err.(*es.Error); !slices.Equal(e.Fields["a"], []string{"wrong by 3", "and late"}) { //nolint:errorlint // made here.
		t.Errorf("fields %v", e.Fields)
	}
}

type contact struct {
	Phone es.Personal `json:"phone"`
}

type called struct{ contact }

func (called) EventType() string { return "test.person.called.v1" }

func TestAPersonalFieldOfAnEmbeddedStructIsFoundToo(t *testing.T) {
	t.Parallel()
	e := called{contact{Phone: es.NewPersonal("555")}}
	if data, err := es.Encode(e); err == nil {
		t.Fatalf("it was encoded in the clear: %s", data)
	}
	sealed := es.WithPersonal(e, func(path string, p *es.Personal) {
		if path != "phone" {
			t.Errorf("it is found as %q", path)
		}
		p.SetSealed(es.SealedPrefix + "x")
	})
	if data, err := es.Encode(sealed); err != nil || string(data) != `{"phone":"`+es.SealedPrefix+`x"}` {
		t.Errorf("%s, %v", data, err)
	}
}
