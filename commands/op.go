package commands

import (
	"context"
	"reflect"

	"github.com/igny8/igny8/domain/es"
)

// Decider is a command: what is asked, and the decision about it. Decide is
// pure; it gives the events that follow, none when nothing changes, or an
// *es.Error.
type Decider[S any] interface {
	Decide(env es.Env, state S) ([]es.Event, error)
}

// Preparer is a command whose decision needs to know of other aggregates.
// Prepare looks at them with Load or LoadRecent and gives the same command with
// what it found, for Decide to judge: it refuses nothing that a repeat of a
// command that already took effect would meet.
type Preparer interface {
	Prepare(ctx context.Context, b *Bus, r Request) (payload any, err error)
}

// Named is a payload of several operations: it says which one it asks for, by
// name. Declare each with Op.Named.
type Named interface{ Operation() string }

// Place says where in a tenant an aggregate belongs, and so what its site and
// sector are and what must live for it to be created or restored.
type Place int

// The places.
const (
	InAccount Place = iota // the account alone
	IsSite                 // it is a site
	InSite                 // it belongs to a live site
	IsSector               // it is a sector of a live site
	InSector               // it belongs to a live sector of a live site
)

type verb int

const (
	create verb = iota
	change
	remove
	restore
	purge
)

// Op is one thing that can be asked, of which kind of aggregate, and the least
// role that may. The list of all of them is the permission table.
type Op struct {
	// Name is public: "planner.keyword.create".
	Name  string
	Least es.Role

	kind    es.AnyKind
	place   Place
	verb    verb
	deleted bool // also asked of what is soft-deleted
	named   bool // its payload says its name
	payload reflect.Type
	decide  func(env es.Env, state, payload any) ([]es.Event, error)
}

// Kind is the persisted name of the kind of aggregate that it is asked of.
func (o Op) Kind() string { return o.kind.KindName() }

// Create declares the command C that makes an aggregate. The same create again
// under the same id changes nothing and answers the aggregate.
func Create[C Decider[S], S any](kind es.Kind[S], least es.Role, place Place) Op {
	op := on[C](kind, "create", least)
	op.verb, op.place = create, place
	return op
}

// On declares the command C upon a live aggregate. The name is the operation's
// last word: "change".
func On[C Decider[S], S any](kind es.Kind[S], name string, least es.Role) Op {
	return on[C](kind, name, least)
}

// Named gives the operation a name, place and least role of its own among those
// that share its payload, which implements Named.
func (o Op) Named(name string, least es.Role, place Place) Op {
	o.Name, o.Least, o.place, o.named = name, least, place, true
	return o
}

// AlsoDeleted lets the operation be asked of what is soft-deleted, too; never of
// what was purged.
func (o Op) AlsoDeleted() Op {
	o.deleted = true
	return o
}

func on[C Decider[S], S any](kind es.Kind[S], name string, least es.Role) Op {
	return Op{
		Name: kind.Name + "." + name, Least: least, kind: kind, verb: change,
		payload: reflect.TypeFor[C](),
		decide: func(env es.Env, state, payload any) ([]es.Event, error) {
			c, _ := payload.(C)
			s, _ := state.(S)
			return c.Decide(env, s)
		},
	}
}

// Lifecycle declares soft delete and restore of a kind, and who may each.
// Purging is the product's own.
func Lifecycle(kind es.AnyKind, deletes, restores es.Role) []Op {
	op := func(v verb, name string, least es.Role) Op {
		return Op{Name: kind.KindName() + "." + name, Least: least, kind: kind, verb: v}
	}
	return []Op{
		op(remove, "delete", deletes), op(restore, "restore", restores),
		op(purge, "purge", es.Developer),
	}
}

// Delete asks to soft-delete an aggregate of the kind. Deleting it again
// changes nothing.
type Delete struct {
	Kind   string
	Reason string
	// Deletion is the id shared with what is deleted along with it; zero makes
	// one from the command.
	Deletion es.ID
	// Cascaded says that its parent was deleted, with this retention window:
	// what is late must not be purged before its parent. Zero is the window in
	// force now.
	Cascaded      bool
	RetentionDays int
}

// Restore asks to undo a soft delete. Restoring what lives changes nothing.
type Restore struct {
	Kind string
	// Deletion limits a cascaded restore to what was deleted under that id.
	Deletion es.ID
	Cascaded bool
}

// Purge asks to give up the data of an aggregate whose retention has ended.
type Purge struct{ Kind string }
