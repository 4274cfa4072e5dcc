package es

import (
	"fmt"
	"strings"
)

// Role is what a member may do in an account; a higher rank may do all that a
// lower one may. The names and ranks are persisted and public.
type Role string

// The roles, highest first.
const (
	Developer Role = "developer"
	Owner     Role = "owner"
	Admin     Role = "admin"
	Editor    Role = "editor"
	Viewer    Role = "viewer"
	SystemBot Role = "system_bot"
)

// Roles lists all roles, highest first.
func Roles() []Role { return []Role{Developer, Owner, Admin, Editor, Viewer, SystemBot} }

// Rank orders the roles; 0 is not a role.
func (r Role) Rank() int {
	switch r {
	case Developer:
		return 100
	case Owner:
		return 80
	case Admin:
		return 60
	case Editor:
		return 40
	case Viewer:
		return 20
	case SystemBot:
		return 10
	default:
		return 0
	}
}

// AtLeast says whether r may do what needs least.
func (r Role) AtLeast(least Role) bool { return r.Rank() > 0 && r.Rank() >= least.Rank() }

// ActorKind says what acts.
type ActorKind string

// The kinds of actors.
const (
	UserActor   ActorKind = "user"
	KeyActor    ActorKind = "api_key"
	SystemActor ActorKind = "system" // the product itself: reactions, schedules
)

// Actor is who asks for a command. Role is not persisted with events.
type Actor struct {
	Kind ActorKind
	ID   ID
	Role Role
}

// System is the product acting by itself; it may do everything that a command
// allows anyone, within the command's tenant.
func System() Actor { return Actor{Kind: SystemActor, Role: Developer} }

// String is the stored form, "<kind>:<id>", or the kind alone without an id.
func (a Actor) String() string {
	if a.ID == (ID{}) {
		return string(a.Kind)
	}
	return string(a.Kind) + ":" + a.ID.String()
}

// ParseActor reads the form that String writes; the role is unknown then.
func ParseActor(text string) (Actor, error) {
	kind, id, has := strings.Cut(text, ":")
	a := Actor{Kind: ActorKind(kind)}
	if has {
		if err := a.ID.UnmarshalText([]byte(id)); err != nil {
			return Actor{}, fmt.Errorf("actor %q: %w", text, err)
		}
	}
	return a, nil
}
