package reference

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Permission is the least role that may do something.
type Permission struct {
	Operation string // "planner.keyword.create"
	Least     es.Role
}

// Operations are the permissions of what can be asked.
func Operations(ops ...commands.Op) []Permission {
	all := make([]Permission, 0, len(ops))
	for _, op := range ops {
		all = append(all, Permission{Operation: op.Name, Least: op.Least})
	}
	return all
}

// permissionTable is docs/permissions.md.
func permissionTable(permissions []Permission) []byte {
	roles := es.Roles()
	var b bytes.Buffer
	b.WriteString("# Permissions\n\nMade from the code by `make generate`; do not edit. The same data enforces them.\n\n" +
		"A role may do all that a lower one may. Owners and admins see every site of their account, the others the sites that were granted to them.\n\n| operation |")
	for _, r := range roles {
		fmt.Fprintf(&b, " %s (%d) |", r, r.Rank())
	}
	b.WriteString("\n|---|" + strings.Repeat(":---:|", len(roles)) + "\n")
	sorted := slices.Clone(permissions)
	slices.SortFunc(sorted, func(a, b Permission) int { return strings.Compare(a.Operation, b.Operation) })
	for _, p := range sorted {
		fmt.Fprintf(&b, "| `%s` |", p.Operation)
		for _, r := range roles {
			mark := ""
			if r.AtLeast(p.Least) {
				mark = "yes"
			}
			fmt.Fprintf(&b, " %s |", mark)
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}
