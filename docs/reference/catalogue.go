package reference

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

const modulePath = "github.com/igny8/igny8/"

// catalogue is docs/events.md: what each event says and what its data holds.
func (d Documents) catalogue() ([]byte, error) {
	schemas, err := eventschema.Of(d.Registry)
	if err != nil {
		return nil, fmt.Errorf("the schemas of events: %w", err)
	}
	comments := comments{root: d.Source, byPackage: map[string]map[string]string{}}
	var b bytes.Buffer
	b.WriteString("# Events\n\nMade from the code by `make generate`; do not edit.\n\n" +
		"Everything that changes is one of these facts. A type, once released, never changes its meaning or loses a field; fields that are added are optional. Personal fields are stored sealed under a key of the person and read `erased` once that key is destroyed.\n")
	kind := ""
	for _, s := range schemas {
		if s.Kind != kind {
			kind = s.Kind
			fmt.Fprintf(&b, "\n## %s\n", kind)
		}
		example, _ := d.Registry.Example(s.Type)
		says, err := comments.of(example)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s ([schema](events/schemas/%s.txt), [example](events/payloads/%s))\n", s.Type, says, s.Type, payloadName(s.Type, 1))
		if len(s.Fields) == 0 {
			continue
		}
		b.WriteString("\n| field | type | |\n|---|---|---|\n")
		for _, f := range s.Fields {
			var notes []string
			for _, n := range []struct {
				holds bool
				word  string
			}{{f.Optional, "optional"}, {f.Nullable, "may be null"}, {f.Personal, "personal"}} {
				if n.holds {
					notes = append(notes, n.word)
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Path, f.JSON, strings.Join(notes, ", "))
		}
	}
	return b.Bytes(), nil
}

// comments finds the doc comments of types in the source.
type comments struct {
	root      string
	byPackage map[string]map[string]string // import path, type name
}

// of is the first paragraph of the comment of an event's type.
func (c comments) of(e es.Event) (string, error) {
	t := reflect.TypeOf(e)
	all, err := c.in(t.PkgPath())
	if err != nil {
		return "", err
	}
	text, ok := all[t.Name()]
	if !ok || text == "" {
		return "", fmt.Errorf("the event %s has no comment: say in a sentence what happened", t)
	}
	return text, nil
}

func (c comments) in(pkg string) (map[string]string, error) {
	if all, ok := c.byPackage[pkg]; ok {
		return all, nil
	}
	folder := filepath.Join(c.root, filepath.FromSlash(strings.TrimPrefix(strings.TrimSuffix(pkg, "_test"), modulePath)))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the source of events: %w", err)
	}
	all := map[string]string{}
	var problems []error
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, entry.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			problems = append(problems, fmt.Errorf("reading the source of events: %w", err))
			continue
		}
		for _, decl := range file.Decls {
			collect(decl, all)
		}
	}
	c.byPackage[pkg] = all
	return all, errors.Join(problems...)
}

func collect(decl ast.Decl, all map[string]string) {
	types, ok := decl.(*ast.GenDecl)
	if !ok || types.Tok != token.TYPE {
		return
	}
	for _, spec := range types.Specs {
		named, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := named.Doc
		if doc == nil && len(types.Specs) == 1 {
			doc = types.Doc
		}
		paragraph, _, _ := strings.Cut(strings.TrimSpace(doc.Text()), "\n\n")
		all[named.Name.Name] = strings.Join(strings.Fields(paragraph), " ")
	}
}
