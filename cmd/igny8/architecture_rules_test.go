package main

import (
	"slices"
	"strings"
)

const ourModule = "github.com/igny8/igny8/"

// place is where a package stands: in which room, and in which module's part of
// it.
type place struct {
	path string // within this repository, or the full import path of another's
	ours bool
	room string // the top folder; "" for what is not ours
	// module is the part of the room, "" for what serves all modules.
	module string
	// test says that only tests use it: a package named *test, or a fixture in
	// <room>/internal; or that the import is a test's.
	test bool
}

// kernels are the packages inside of rooms that serve all modules.
var kernels = []string{"es", "text", "table", "tasks"}

func placeOf(importPath string) place {
	path, ours := strings.CutPrefix(importPath, ourModule)
	p := place{path: path, ours: ours, test: strings.HasSuffix(path, "test") || strings.HasSuffix(path, "/bench") || fixture(path)}
	if !ours {
		return p
	}
	parts := strings.Split(path, "/")
	p.room = parts[0]
	if len(parts) > 1 && !slices.Contains(kernels, parts[1]) && slices.Contains([]string{"domain", "commands", "projections", "readapi"}, p.room) {
		p.module = parts[1]
	}
	return p
}

// fixture says that a package lies in a room's internal folder, which
// TestFixturesAreForTests keeps for tests.
func fixture(path string) bool {
	parts := strings.Split(path, "/")
	return len(parts) == 3 && parts[1] == "internal" && slices.Contains([]string{"commands", "projections", "readapi"}, parts[0])
}

func (p place) standard() bool {
	first, _, _ := strings.Cut(p.path, "/")
	return !p.ours && !strings.Contains(first, ".")
}

func (p place) in(rooms ...string) bool { return slices.Contains(rooms, p.room) }

// from says whether it is one of the libraries, or a package of one.
func (p place) from(libraries ...string) bool {
	return !p.ours && slices.ContainsFunc(libraries, func(library string) bool {
		return p.path == library || strings.HasPrefix(p.path, library+"/")
	})
}

// rule forbids some imports. Why and instead are what a newcomer reads when it
// is broken.
type rule struct {
	name    string
	forbids func(from, to place) bool
	why     string
	instead string
}

// impure are the standard packages through which the world comes in.
var impure = []string{
	"context", "os", "os/exec", "io/fs", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog",
}

func rules() []rule {
	return []rule{
		{
			name: "domain is pure",
			forbids: func(from, to place) bool {
				if from.room != "domain" || to.room == "domain" {
					return false
				}
				if from.test && to.from("pgregory.net/rapid") {
					return false
				}
				if to.standard() {
					return !from.test && slices.Contains(impure, to.path)
				}
				return !to.from("github.com/google/uuid", "golang.org/x/text", "golang.org/x/net/idna", "github.com/go-json-experiment/json")
			},
			why:     "a decision must give the same answer when it is retried, replayed or only tried (dry run), so it may use nothing but its arguments",
			instead: "pass what it needs as a value in es.Env or in the command, and do the work in commands or infra",
		},
		{
			name: "modules meet in events",
			forbids: func(from, to place) bool {
				return !from.test && from.room == to.room && from.module != "" && to.module != "" && from.module != to.module
			},
			why:     "a module that calls into another can neither change nor be understood alone",
			instead: "react to the other module's events (its event types in domain), or declare a small port for what you ask and let cmd join the two",
		},
		{
			name: "commands are above the domain only",
			forbids: func(from, to place) bool {
				return from.room == "commands" && (to.in("projections", "readapi", "docs") || !from.test && (to.in("infra", "migrations") || to.from("github.com/jackc/pgx/v5", "database/sql")))
			},
			why:     "a decision asks aggregates through ports; a read model lags behind, and a technology must be replaceable",
			instead: "declare a port of 1-3 methods in commands, implement it in infra, join them in cmd",
		},
		{
			name: "projections are above the domain only",
			forbids: func(from, to place) bool {
				return from.room == "projections" && (to.in("readapi", "docs") || !from.test && to.in("commands", "infra", "migrations"))
			},
			why:     "a read model must be rebuildable from events alone, with no side effect",
			instead: "fold what the event says; what should happen next belongs into commands/<module>/reactions.go; a technology goes behind a port that projections declares",
		},
		{
			name: "readapi asks commands and projections",
			forbids: func(from, to place) bool {
				return from.room == "readapi" && (to.in("docs") ||
					!from.test && (to.room == "domain" && to.module != from.module && to.module != "" || to.in("infra", "migrations") || to.from("github.com/jackc/pgx/v5", "database/sql")))
			},
			why:     "the edge translates requests; what it may ask is what commands and projections offer, so that every client meets the same rules",
			instead: "use the command's type of commands/<module>, or the row and query of projections/<module>; declare a port in readapi for anything else",
		},
		{
			name: "only readapi knows the HTTP framework",
			forbids: func(from, to place) bool {
				return from.room != "readapi" && to.from("github.com/labstack/echo/v4", "github.com/danielgtaylor/huma/v2")
			},
			why:     "Echo v4 gets only fixes until 2027, and must be replaceable in one room",
			instead: "let readapi declare what it needs as an interface or an http.Handler",
		},
		{
			name: "infra implements ports",
			forbids: func(from, to place) bool {
				return from.room == "infra" && (to.in("readapi", "docs") || to.room == "domain" && to.module != "")
			},
			why:     "a technology serves every module alike; one that knows a module's events must change with it",
			instead: "implement a port that commands or projections declares, in their terms; move what is about one module's events into that module",
		},
		{
			name: "migrations know no code",
			forbids: func(from, to place) bool {
				return from.room == "migrations" && to.in("domain", "commands", "projections")
			},
			why:     "a migration must do the same for ever, whatever becomes of the types in the code",
			instead: "write it in SQL; what needs code is a projection, which can be rebuilt",
		},
		{
			name:    "cmd is the top",
			forbids: func(from, to place) bool { return from.room != "cmd" && to.room == "cmd" },
			why:     "cmd wires everything, so an import of it is a circle",
			instead: "move what is shared to the room that it belongs to",
		},
		{
			name:    "documents are made, not used",
			forbids: func(from, to place) bool { return !from.test && from.room != "docs" && to.room == "docs" },
			why:     "the program must not depend on the making of its documents",
			instead: "use it in a test of cmd, as the others do",
		},
	}
}
