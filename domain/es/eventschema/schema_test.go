package eventschema_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

type thing struct{ es.Entity }

type size string

type part struct {
	Name  string `json:"name"`
	Count *int64 `json:"count,omitempty"`
}

type owner struct {
	Email es.Personal `json:"email"`
}

type base struct {
	Label size `json:"label"`
}

type made struct {
	base
	ID      es.ID             `json:"id"`
	At      time.Time         `json:"at"`
	Weight  float64           `json:"weight,omitempty"`
	Broken  bool              `json:"broken"`
	Parent  *es.ID            `json:"parent"`
	Parts   []part            `json:"parts,omitempty"`
	Tags    []string          `json:"tags"`
	Labels  map[string]string `json:"labels,omitempty"`
	Picture []byte            `json:"picture,omitempty"`
	Owner   owner             `json:"owner"`
	Extra   json.RawMessage   `json:"extra,omitempty"`
	Hidden  string            `json:"-"`
}

func (made) EventType() string { return "test.thing.made.v1" }

func registry(examples ...es.Event) *es.Registry {
	return es.NewRegistry(es.Kind[thing]{Name: "test.thing", Evolve: func(*thing, es.Event) {}, Events: es.Events(examples...)})
}

func only(t *testing.T, e es.Event) eventschema.Schema {
	t.Helper()
	all, err := eventschema.Of(registry(e))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

const text = `test.thing.made.v1
at           date-time
broken       boolean
extra        any optional
id           uuid
label        string
labels       object optional
labels.*     string
owner        object
owner.email  string personal
parent       uuid nullable
parts        array optional
parts[]      object
parts[].count  integer optional
parts[].name   string
picture      base64 optional
tags         array nullable
tags[]       string
weight       number optional
`

func squeezed(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestASchemaNamesEveryStoredField(t *testing.T) {
	t.Parallel()
	if got := only(t, made{}).Text(); squeezed(got) != squeezed(text) {
		t.Errorf("got\n%s", got)
	}
}

func TestASchemaReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := only(t, made{})
	back, err := eventschema.Parse(s.Text())
	if err != nil {
		t.Fatal(err)
	}
	if back.Text() != s.Text() || back.Kind != "test.thing" || len(eventschema.Breaks(s, back)) > 0 {
		t.Errorf("got %+v", back)
	}
	for _, bad := range []string{"", "thing", "a.b.c.v1\nfield", "a.b.c.v1\nfield string perhaps"} {
		if _, err := eventschema.Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestOnlyOptionalAdditionsDoNotBreak(t *testing.T) {
	t.Parallel()
	released := "a.b.c.v1\nname string\nparts array optional\nparts[] object\nparts[].n integer\n"
	for change, c := range map[string]struct{ from, to, want string }{
		"nothing":                          {"", "", ""},
		"another order":                    {"name string\nparts array optional\n", "parts array optional\nname string\n", ""},
		"a lost field":                     {"name string\n", "", "the field name (string) is lost or renamed"},
		"a renamed field":                  {"name string", "title string", "the field name (string) is lost or renamed"},
		"a retyped field":                  {"name string", "name integer", `the field name was "string" and is "integer"`},
		"a field that becomes personal":    {"name string", "name string personal", "is \"string personal\""},
		"a field that becomes optional":    {"name string", "name string optional", "is \"string optional\""},
		"a field that becomes nullable":    {"name string", "name string nullable", "is \"string nullable\""},
		"a lost field in an array":         {"parts[].n integer\n", "", "the field parts[].n"},
		"an added optional field":          {"name string", "name string\nnote string optional", ""},
		"an added required field":          {"name string", "name string\nnote string", "the new field note is not optional"},
		"an added optional object":         {"name string", "name string\no object optional\no.x string", ""},
		"an added required object":         {"name string", "name string\no object\no.x string optional", "the new field o is not optional"},
		"a required field in an old array": {"parts[].n integer", "parts[].n integer\nparts[].m integer", "the new field parts[].m"},
	} {
		was, err := eventschema.Parse(released)
		if err != nil {
			t.Fatal(err)
		}
		now, err := eventschema.Parse(strings.Replace(released, c.from, c.to, 1))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(eventschema.Breaks(was, now), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", change, got, c.want)
		}
	}
}

type untagged struct{ Name string }

func (untagged) EventType() string { return "test.thing.untagged.v1" }

type quoted struct {
	N int `json:"n,string"`
}

func (quoted) EventType() string { return "test.thing.quoted.v1" }

type unsealed struct {
	People []owner `json:"people"`
}

func (unsealed) EventType() string { return "test.thing.unsealed.v1" }

type maybePerson struct {
	Email *es.Personal `json:"email,omitempty"`
}

func (maybePerson) EventType() string { return "test.thing.maybe.v1" }

type endless struct {
	Next *endless `json:"next,omitempty"`
}

func (endless) EventType() string { return "test.thing.endless.v1" }

type vague struct {
	Any any `json:"any"`
}

func (vague) EventType() string { return "test.thing.vague.v1" }

func TestWhatCannotBeKeptForEverIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event es.Event
		want  string
	}{
		{untagged{}, "no json tag"},
		{quoted{}, "option string"},
		{unsealed{}, "people[].email: the kernel does not seal"},
		{maybePerson{}, "email: the kernel does not seal"},
		{endless{}, "contains itself"},
		{vague{}, "cannot be stored"},
	} {
		if _, err := eventschema.Of(registry(c.event)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: got %v, want %q", c.event, err, c.want)
		}
	}
}

func TestASampleSetsEveryFieldAndIsReadWithoutLoss(t *testing.T) {
	t.Parallel()
	r := registry(made{})
	data, err := eventschema.Sample(r, "test.thing.made.v1")
	if err != nil {
		t.Fatal(err)
	}
	if !eventschema.Covers(only(t, made{}), data) {
		t.Errorf("not every field is set: %s", data)
	}
	if lost := eventschema.Lost(r, "test.thing.made.v1", data); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
	if again, _ := eventschema.Sample(r, "test.thing.made.v1"); string(again) != string(data) {
		t.Error("the sample changes")
	}
}

func TestWhatTodaysCodeCannotReadIsTold(t *testing.T) {
	t.Parallel()
	r := registry(made{})
	for data, want := range map[string]string{
		`{"label":"x"}`:                            "",
		`{"label":"x","colour":"red"}`:             "colour: red is read as <nil>",
		`{"parts":[{"name":"a","price":3}]}`:       "parts[0].price: 3 is read as <nil>",
		`{"label":7}`:                              "cannot be decoded",
		`{"owner":{"email":"sealed.1.x"}}`:         "",
		`{"owner":{"email":"sealed.1.x","n":"y"}}`: "owner.n: y is read as <nil>",
		`[`: "cannot be decoded",
	} {
		got := strings.Join(eventschema.Lost(r, "test.thing.made.v1", []byte(data)), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", data, got, want)
		}
	}
	if lost := eventschema.Lost(r, "test.thing.unknown.v1", []byte(`{}`)); len(lost) != 1 {
		t.Errorf("an unknown type is read: %v", lost)
	}
}

func TestDataThatLeavesAFieldOutDoesNotCoverTheSchema(t *testing.T) {
	t.Parallel()
	s, err := eventschema.Parse("a.b.c.v1\nname string\nlabels object\nlabels.* integer\nparts array\nparts[] object\nparts[].n integer optional\n")
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]bool{
		`{"name":"x","labels":{"any":1},"parts":[{},{"n":1}]}`: true,
		`{"name":"x","labels":{},"parts":[{"n":1}]}`:           false,
		`{"name":"x","labels":{"any":1},"parts":[{}]}`:         false,
		`{"labels":{"any":1},"parts":[{"n":1}]}`:               false,
		`no JSON`:                                              false,
	} {
		if eventschema.Covers(s, []byte(data)) != want {
			t.Errorf("%s: covers is %t", data, !want)
		}
	}
}
