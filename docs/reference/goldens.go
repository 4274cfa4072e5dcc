package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

// golden is what is kept of one event type.
type golden struct {
	schema *eventschema.Schema // nil: nothing is kept yet
	text   string              // of the kept schema
	// payloads are kept data by file name, one for each form that was released.
	payloads map[string][]byte
}

// goldens are the kept schemas and payloads beside what the code says.
type goldens struct {
	docs     string
	registry *es.Registry
	present  []eventschema.Schema
	kept     map[string]*golden
	// broken is what the code no longer honours.
	broken []error
}

func (d Documents) goldens() (*goldens, error) {
	present, err := eventschema.Of(d.Registry)
	if err != nil {
		return nil, fmt.Errorf("the schemas of events: %w", err)
	}
	g := &goldens{docs: d.Docs, registry: d.Registry, present: present, kept: map[string]*golden{}}
	if err := g.read(); err != nil {
		return nil, err
	}
	g.compare()
	return g, nil
}

func (g *goldens) schemaFile(eventType string) string {
	return filepath.Join(g.docs, "events", "schemas", eventType+".txt")
}

func (g *goldens) payloadFile(name string) string {
	return filepath.Join(g.docs, "events", "payloads", name)
}

// payloadName names the n-th payload of an event type, from 1.
func payloadName(eventType string, n int) string {
	if n == 1 {
		return eventType + ".json"
	}
	return fmt.Sprintf("%s-%d.json", eventType, n)
}

func (g *goldens) of(eventType string) *golden {
	if g.kept[eventType] == nil {
		g.kept[eventType] = &golden{payloads: map[string][]byte{}}
	}
	return g.kept[eventType]
}

func (g *goldens) read() error {
	schemas, err := filepath.Glob(g.schemaFile("*"))
	if err != nil {
		return fmt.Errorf("looking for schemas: %w", err)
	}
	for _, file := range schemas {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a schema: %w", err)
		}
		schema, err := eventschema.Parse(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if name != schema.Type {
			return fmt.Errorf("%s is the schema of %s", file, schema.Type)
		}
		kept := g.of(name)
		kept.schema, kept.text = &schema, string(text)
	}
	payloads, err := filepath.Glob(g.payloadFile("*.json"))
	if err != nil {
		return fmt.Errorf("looking for payloads: %w", err)
	}
	for _, file := range payloads {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a payload: %w", err)
		}
		eventType, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
		g.of(eventType).payloads[filepath.Base(file)] = data
	}
	return nil
}

// unreleased is the way out while a change is still private.
const unreleased = "declare a new version of the event type instead and leave this one as it was (only if no release ever wrote it, delete its files in docs/events and run `make generate`)"

func (g *goldens) compare() {
	for eventType, kept := range g.kept {
		i := slices.IndexFunc(g.present, func(s eventschema.Schema) bool { return s.Type == eventType })
		if i < 0 {
			g.broken = append(g.broken, fmt.Errorf("%s: the event type is gone, but events of it are stored for ever: %s", eventType, unreleased))
			continue
		}
		if kept.schema == nil {
			g.broken = append(g.broken, fmt.Errorf("%s: its payloads are kept and its schema is gone: restore docs/events/schemas/%s.txt", eventType, eventType))
			continue
		}
		for _, change := range eventschema.Breaks(*kept.schema, g.present[i]) {
			g.broken = append(g.broken, fmt.Errorf("%s: %s: %s", eventType, change, unreleased))
		}
		if _, first := kept.payloads[payloadName(eventType, 1)]; !first {
			g.broken = append(g.broken, fmt.Errorf("%s: its schema is kept and its first payload is gone: restore docs/events/payloads/%s", eventType, payloadName(eventType, 1)))
		}
		for name, data := range kept.payloads {
			for _, lost := range eventschema.Lost(g.registry, eventType, data) {
				g.broken = append(g.broken, fmt.Errorf("docs/events/payloads/%s: %s: events like it are stored and must be read as they were: %s", name, lost, unreleased))
			}
		}
	}
	slices.SortFunc(g.broken, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
}

// uncovered says whether no kept payload has all fields of the present schema.
func (g *goldens) uncovered(s eventschema.Schema) bool {
	for _, data := range g.of(s.Type).payloads {
		if eventschema.Covers(s, data) {
			return false
		}
	}
	return true
}

// outdated is what Update would write.
func (g *goldens) outdated() []error {
	var problems []error
	for _, s := range g.present {
		if g.of(s.Type).text != s.Text() || g.uncovered(s) {
			problems = append(problems, fmt.Errorf("docs/events: %s is new or has new fields: run `make generate` and commit it", s.Type))
		}
	}
	return problems
}

func (g *goldens) write() error {
	for _, s := range g.present {
		if g.of(s.Type).text != s.Text() {
			if err := write(g.schemaFile(s.Type), []byte(s.Text())); err != nil {
				return err
			}
		}
		if !g.uncovered(s) {
			continue
		}
		sample, err := eventschema.Sample(g.registry, s.Type)
		if err != nil {
			return fmt.Errorf("a payload: %w", err)
		}
		n := 1
		for g.of(s.Type).payloads[payloadName(s.Type, n)] != nil {
			n++
		}
		if err := write(g.payloadFile(payloadName(s.Type, n)), sample); err != nil {
			return err
		}
	}
	return nil
}
