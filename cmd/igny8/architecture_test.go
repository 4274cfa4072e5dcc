package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

type listed struct {
	ImportPath, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// broken names the first rule that an import breaks.
func broken(from, to place) (rule, bool) {
	for _, r := range rules() {
		if r.forbids(from, to) {
			return r, true
		}
	}
	return rule{}, false
}

func complaint(from, to string, r rule) string {
	return fmt.Sprintf("%s imports %s, against the rule %q.\n  Why: %s.\n  Instead: %s.", from, to, r.name, r.why, r.instead)
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all) < 5 {
		t.Fatalf("only %d packages were found", len(all))
	}
	for _, p := range all {
		from := placeOf(p.ImportPath)
		for _, imported := range p.Imports {
			if r, bad := broken(from, placeOf(imported)); bad {
				t.Error(complaint(from.path, placeOf(imported).path, r))
			}
		}
		from.test = true
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if r, bad := broken(from, placeOf(imported)); bad {
				t.Error(complaint("a test of "+from.path, placeOf(imported).path, r))
			}
		}
	}
}

func TestEachImportRuleForbidsWhatItSaysAndNoMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		test     bool
		rule     string // "": allowed
	}{
		{from: "domain/planner", to: ourModule + "domain/es"},
		{from: "domain/planner", to: ourModule + "domain/text"},
		{from: "domain/planner", to: "strings"},
		{from: "domain/es", to: "github.com/google/uuid"},
		{from: "domain/es/estest", to: "pgregory.net/rapid"},
		{from: "domain/planner", to: "pgregory.net/rapid", test: true},
		{from: "domain/planner", to: "pgregory.net/rapid", rule: "domain is pure"},
		{from: "domain/planner", to: "net/http", rule: "domain is pure"},
		{from: "domain/planner", to: "context", rule: "domain is pure"},
		{from: "domain/planner", to: "math/rand/v2", rule: "domain is pure"},
		{from: "domain/planner", to: "github.com/jackc/pgx/v5", rule: "domain is pure"},
		{from: "domain/planner", to: ourModule + "commands", rule: "domain is pure"},
		{from: "domain/planner", to: ourModule + "infra/eventstore/memory", test: true, rule: "domain is pure"},
		{from: "domain/planner", to: ourModule + "domain/tenancy", rule: "modules meet in events"},
		{from: "commands/planner", to: ourModule + "domain/planner"},
		{from: "commands/planner", to: ourModule + "domain/tenancy"},
		{from: "commands/planner", to: ourModule + "commands"},
		{from: "commands/planner", to: ourModule + "infra/eventstore/memory", test: true},
		{from: "commands/planner", to: ourModule + "commands/tenancy", rule: "modules meet in events"},
		{from: "commands/planner", to: ourModule + "commands/tenancy", test: true},
		{from: "projections/internal/library", to: ourModule + "commands"},
		{from: "projections/planner", to: ourModule + "commands", test: true},
		{from: "commands/planner", to: ourModule + "projections/planner", rule: "commands are above the domain only"},
		{from: "commands", to: ourModule + "infra/postgres", rule: "commands are above the domain only"},
		{from: "commands", to: "github.com/jackc/pgx/v5/pgxpool", rule: "commands are above the domain only"},
		{from: "commands", to: ourModule + "readapi", test: true, rule: "commands are above the domain only"},
		{from: "projections/table", to: "github.com/jackc/pgx/v5"},
		{from: "projections/planner", to: ourModule + "projections/table"},
		{from: "projections", to: ourModule + "infra/postgres/pgtest", test: true},
		{from: "projections", to: ourModule + "infra/postgres", rule: "projections are above the domain only"},
		{from: "projections/planner", to: ourModule + "commands", rule: "projections are above the domain only"},
		{from: "projections/planner", to: ourModule + "projections/tenancy", rule: "modules meet in events"},
		{from: "readapi/planner", to: ourModule + "commands/planner"},
		{from: "readapi/planner", to: ourModule + "projections/planner"},
		{from: "readapi", to: ourModule + "domain/es"},
		{from: "readapi", to: "github.com/labstack/echo/v4/middleware"},
		{from: "readapi/planner", to: ourModule + "domain/planner"},
		{from: "readapi/planner", to: ourModule + "domain/tenancy", test: true},
		{from: "readapi/planner", to: ourModule + "domain/tenancy", rule: "readapi asks commands and projections"},
		{from: "readapi", to: ourModule + "domain/planner", rule: "readapi asks commands and projections"},
		{from: "readapi", to: ourModule + "infra/jwt", rule: "readapi asks commands and projections"},
		{from: "readapi", to: "github.com/jackc/pgx/v5", rule: "readapi asks commands and projections"},
		{from: "readapi/planner", to: ourModule + "readapi/tenancy", rule: "modules meet in events"},
		{from: "cmd/igny8", to: "github.com/labstack/echo/v4", rule: "only readapi knows the HTTP framework"},
		{from: "infra/observe", to: "github.com/danielgtaylor/huma/v2", test: true, rule: "only readapi knows the HTTP framework"},
		{from: "infra/eventstore/postgres", to: ourModule + "commands"},
		{from: "infra/postgres", to: ourModule + "migrations"},
		{from: "infra/credentials", to: ourModule + "commands/identity"},
		{from: "infra/vault", to: ourModule + "domain/identity", rule: "infra implements ports"},
		{from: "infra/vault", to: ourModule + "readapi", rule: "infra implements ports"},
		{from: "migrations", to: "embed"},
		{from: "migrations", to: ourModule + "domain/es", rule: "migrations know no code"},
		{from: "migrations", to: ourModule + "infra/postgres"},
		{from: "cmd/igny8", to: ourModule + "infra/postgres"},
		{from: "infra/config", to: ourModule + "cmd/igny8", rule: "cmd is the top"},
		{from: "cmd/igny8", to: ourModule + "docs/reference", test: true},
		{from: "cmd/igny8", to: ourModule + "docs/reference", rule: "documents are made, not used"},
	} {
		from := placeOf(ourModule + c.from)
		from.test = from.test || c.test
		r, _ := broken(from, placeOf(c.to))
		if r.name != c.rule {
			t.Errorf("%s (test: %t) imports %s: breaks %q, want %q", c.from, c.test, c.to, r.name, c.rule)
		}
	}
}

func TestFixturesAreForTests(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := placeOf(p.ImportPath)
		for _, imported := range p.Imports {
			if to := placeOf(imported); to.ours && fixture(to.path) && !from.test {
				t.Errorf("%s imports %s, which is a fixture of tests.\n  Why: a room's internal packages may import what the room itself may not.\n  Instead: move what is not for tests out of internal.", from.path, to.path)
			}
		}
	}
}

// TestModulesNameOnlyEventTypesOfOthers looks at what commands and projections
// of a module use of another module's domain package.
func TestModulesNameOnlyEventTypesOfOthers(t *testing.T) {
	t.Parallel()
	all := packages(t)
	events := map[string][]string{}
	for _, p := range all {
		if at := placeOf(p.ImportPath); at.room == "domain" {
			events[p.ImportPath] = eventTypes(t, p)
		}
	}
	for _, p := range all {
		from := placeOf(p.ImportPath)
		if from.module == "" || !from.in("commands", "projections") {
			continue
		}
		for _, name := range p.GoFiles {
			file := parse(t, filepath.Join(p.Dir, name))
			for _, imported := range file.Imports {
				path := strings.Trim(imported.Path.Value, `"`)
				to := placeOf(path)
				if to.room != "domain" || to.module == "" || to.module == from.module {
					continue
				}
				for _, used := range namesUsed(file, imported, to.module) {
					if !slices.Contains(events[path], used) {
						t.Errorf("%s/%s uses %s.%s, which is not an event type.\n  Why: modules meet only in events, which never change meaning; everything else of a module may change any day.\n  Instead: name the event type, or declare a small port for what you ask and let cmd join the two.", from.path, name, to.module, used)
					}
				}
			}
		}
	}
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func eventTypes(t *testing.T, p listed) []string {
	t.Helper()
	var names []string
	for _, name := range p.GoFiles {
		for _, decl := range parse(t, filepath.Join(p.Dir, name)).Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "EventType" {
				continue
			}
			if receiver, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, receiver.Name)
			}
		}
	}
	return names
}

func namesUsed(file *ast.File, imported *ast.ImportSpec, name string) []string {
	if imported.Name != nil {
		name = imported.Name.Name
	}
	var used []string
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == name && !slices.Contains(used, selector.Sel.Name) {
				used = append(used, selector.Sel.Name)
			}
		}
		return true
	})
	return used
}

// vague are names that say nothing about what is inside.
var vague = regexp.MustCompile(`(^|_)(utils?|commons?|helpers?|managers?|impl|misc|stuff|base)(_|$)`)

func TestFilesAreNamedAfterWhatIsInThem(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == ".git" || name == "bin" || name == "data" || name == "testdata") {
			return fs.SkipDir
		}
		base := strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
		if (entry.IsDir() || strings.HasSuffix(name, ".go")) && vague.MatchString(base) {
			t.Errorf("%s: the name does not say what is inside.\n  Why: such a file grows into a heap that everything imports.\n  Instead: name it after the thing or the act that it holds.", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]bool{
		"util": true, "string_helpers": true, "common": true, "store_impl": true, "commonmark": false, "keyword": false, "baseline": false, "implicit": false,
	} {
		if vague.MatchString(name) != bad {
			t.Errorf("%s: vague is %t", name, !bad)
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			for _, decl := range parse(t, filepath.Join(p.Dir, name)).Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s/%s has an init function.\n  Why: it runs before main, in an order nobody sees, and for every test.\n  Instead: write a constructor and call it from cmd.", placeOf(p.ImportPath).path, name)
				}
			}
		}
	}
}
