package readapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/igny8/igny8/domain/es"
)

// said collects the words of errors in a file: the second argument of Refuse,
// and the fields Code and code.
func said(t *testing.T, path string) (words []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if word, err := strconv.Unquote(lit.Value); err == nil && word != "" {
				words = append(words, word)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if name == "Refuse" && len(n.Args) > 2 {
				add(n.Args[1])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "code" || key.Name == "Code") {
				add(n.Value)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if field, ok := left.(*ast.SelectorExpr); ok && field.Sel.Name == "code" && i < len(n.Rhs) {
					add(n.Rhs[i])
				}
			}
		}
		return true
	})
	return words
}

func TestEveryErrorsWordIsInTheDocument(t *testing.T) {
	t.Parallel()
	for _, class := range []es.Class{
		es.Invalid, es.Unauthorized, es.Plan, es.Forbidden, es.NotFound, es.Conflict, es.Gone, es.Precondition, es.Unavailable, es.Internal,
	} {
		if !listed(string(class)) && class != es.Plan { // every refusal of the class plan has a word of its own.
			t.Errorf("the class %s is not in codes", class)
		}
	}
	all := map[string]bool{}
	for _, room := range []string{"domain", "commands", "projections", "readapi", "infra"} {
		err := filepath.WalkDir(filepath.Join("..", room), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "/internal/") {
				for _, word := range said(t, path) {
					all[word] = true
					if !listed(word) {
						t.Errorf("%s says %q, which is not in readapi/codes.go", path, word)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 30 {
		t.Errorf("only %d words were found: the search is broken", len(all))
	}
	for _, c := range codes {
		if !all[c.word] && !slices.Contains(classes(), c.word) {
			t.Errorf("nothing says %q any more", c.word)
		}
	}
}

func classes() []string {
	return []string{
		"conflict", "forbidden", "gone", "internal", "invalid", "not_found", "precondition", "unavailable", "unauthorized",
	}
}

func listed(word string) bool {
	for _, c := range codes {
		if c.word == word {
			return true
		}
	}
	return false
}
