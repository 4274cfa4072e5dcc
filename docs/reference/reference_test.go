package reference_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/docs/reference"
	"github.com/igny8/igny8/domain/es"
)

type thing struct{ es.Entity }

// thingMade says a thing was made.
//
// More about it.
type thingMade struct {
	Name  string      `json:"name"`
	Email es.Personal `json:"email"`
	Count int         `json:"count,omitempty"`
}

func (thingMade) EventType() string { return "test.thing.made.v1" }

// thingGrown says the same, with a field more.
type thingGrown struct {
	Name   string      `json:"name"`
	Email  es.Personal `json:"email"`
	Count  int         `json:"count,omitempty"`
	Colour string      `json:"colour,omitempty"`
}

func (thingGrown) EventType() string { return "test.thing.made.v1" }

// thingRenamed says the same, with a field renamed.
type thingRenamed struct {
	Title string      `json:"title"`
	Email es.Personal `json:"email"`
	Count int         `json:"count,omitempty"`
}

func (thingRenamed) EventType() string { return "test.thing.made.v1" }

// thingRetyped says the same, with a field retyped.
type thingRetyped struct {
	Name  string      `json:"name"`
	Email es.Personal `json:"email"`
	Count string      `json:"count,omitempty"`
}

func (thingRetyped) EventType() string { return "test.thing.made.v1" }

// thingShut says a thing was shut.
type thingShut struct{}

func (thingShut) EventType() string { return "test.thing.shut.v1" }

type thingSilent struct{} // has no doc comment

func (thingSilent) EventType() string { return "test.thing.silent.v1" }

func documents(docs string, events ...es.Event) reference.Documents {
	return reference.Documents{
		Docs: docs, Source: "../..",
		Registry: es.NewRegistry(es.Kind[thing]{
			Name: "test.thing", Evolve: func(*thing, es.Event) {}, Events: es.Events(events...).WithLifecycle(),
		}),
		Permissions: reference.Operations(commands.Lifecycle(es.Kind[thing]{Name: "test.thing"}, es.Editor, es.Admin)...),
	}
}

func updated(t *testing.T, events ...es.Event) string {
	t.Helper()
	docs := t.TempDir()
	if err := documents(docs, events...).Update(); err != nil {
		t.Fatal(err)
	}
	return docs
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDocumentsAreUpToDateOnceTheyWereUpdated(t *testing.T) {
	t.Parallel()
	docs := t.TempDir()
	d := documents(docs, thingMade{}, thingShut{})
	if err := d.Check(); err == nil || !strings.Contains(err.Error(), "make generate") {
		t.Errorf("missing documents: %v", err)
	}
	for range 2 {
		if err := d.Update(); err != nil {
			t.Fatal(err)
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(docs, "events", "*", "*"))
	if err != nil || len(files) != 10 {
		t.Errorf("%d files, %v: %v", len(files), err, files)
	}
}

func TestTheCatalogueSaysWhatEventsMeanAndHold(t *testing.T) {
	t.Parallel()
	text := read(t, updated(t, thingMade{}), "events.md")
	for _, want := range []string{
		"## test.thing\n", "### `test.thing.made.v1`\n\nthingMade says a thing was made. (",
		"| `email` | string | personal |", "| `count` | integer | optional |",
		"### `test.thing.deleted.v1`\n\nDeleted says the aggregate was soft-deleted",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "More about it") {
		t.Error("more than the first paragraph is taken")
	}
}

func TestAnEventWithoutACommentIsRefused(t *testing.T) {
	t.Parallel()
	if err := documents(t.TempDir(), thingSilent{}).Update(); err == nil || !strings.Contains(err.Error(), "has no comment") {
		t.Errorf("got %v", err)
	}
}

func TestThePermissionTableMarksWhoMay(t *testing.T) {
	t.Parallel()
	text := read(t, updated(t), "permissions.md")
	for _, want := range []string{
		"| operation | developer (100) | owner (80) | admin (60) | editor (40) | viewer (20) | system_bot (10) |",
		"| `test.thing.delete` | yes | yes | yes | yes |  |  |",
		"| `test.thing.restore` | yes | yes | yes |  |  |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestAnEditedDocumentIsDrift(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"events.md", "permissions.md", "events/schemas/test.thing.shut.v1.txt"} {
		docs := updated(t, thingMade{}, thingShut{})
		file := filepath.Join(docs, name)
		if err := os.WriteFile(file, []byte(read(t, file)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := documents(docs, thingMade{}, thingShut{}).Check(); err == nil || !strings.Contains(err.Error(), "make generate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABrokenEventIsRefusedAlsoWhenGoldensAreMadeAnew(t *testing.T) {
	t.Parallel()
	for change, c := range map[string]struct {
		events []es.Event
		want   string
	}{
		"a renamed field": {[]es.Event{thingRenamed{}, thingShut{}}, "the field name (string) is lost or renamed"},
		"a retyped field": {[]es.Event{thingRetyped{}, thingShut{}}, `the field count was "integer optional" and is "string optional"`},
		"a lost event":    {[]es.Event{thingMade{}}, "test.thing.shut.v1: the event type is gone"},
	} {
		docs := updated(t, thingMade{}, thingShut{})
		before := read(t, docs, "events", "schemas", "test.thing.made.v1.txt")
		d := documents(docs, c.events...)
		for act, err := range map[string]error{"Check": d.Check(), "Update": d.Update()} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "declare a new version") {
				t.Errorf("%s: %s: %v", change, act, err)
			}
		}
		if read(t, docs, "events", "schemas", "test.thing.made.v1.txt") != before {
			t.Errorf("%s: the golden schema was overwritten", change)
		}
	}
}

func TestAnAddedOptionalFieldKeepsTheOldPayloadAndAddsOne(t *testing.T) {
	t.Parallel()
	docs := updated(t, thingMade{})
	payload := filepath.Join(docs, "events", "payloads", "test.thing.made.v1.json")
	before := read(t, payload)
	d := documents(docs, thingGrown{})
	if err := d.Check(); err == nil || !strings.Contains(err.Error(), "test.thing.made.v1 is new or has new fields") {
		t.Errorf("the new field is not noticed: %v", err)
	}
	if err := d.Update(); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	if read(t, payload) != before {
		t.Error("the released payload was overwritten")
	}
	if second := read(t, docs, "events", "payloads", "test.thing.made.v1-2.json"); !strings.Contains(second, "colour") {
		t.Errorf("the second payload is %s", second)
	}
}

func TestAKeptPayloadThatIsReadOtherwiseIsRefused(t *testing.T) {
	t.Parallel()
	docs := updated(t, thingMade{})
	file := filepath.Join(docs, "events", "payloads", "test.thing.made.v1.json")
	if err := os.WriteFile(file, []byte(`{"name":"x","email":"sealed.1.x","shade":"red"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := documents(docs, thingMade{}).Update(); err == nil || !strings.Contains(err.Error(), "shade: red is read as <nil>") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingHalfOfAGoldenIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"schemas/test.thing.made.v1.txt", "payloads/test.thing.made.v1.json"} {
		docs := updated(t, thingMade{})
		if err := os.Remove(filepath.Join(docs, "events", name)); err != nil {
			t.Fatal(err)
		}
		if err := documents(docs, thingMade{}).Update(); err == nil || !strings.Contains(err.Error(), "restore docs/events/"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
