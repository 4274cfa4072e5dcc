// Package identity carries out what people ask about themselves: signing up,
// logging in and out, and their profile. It declares the ports behind which
// passwords, tokens and accounts are.
package identity

import (
	"slices"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// Ops is what can be asked of the module.
func Ops() []commands.Op {
	return slices.Concat(
		[]commands.Op{
			commands.Create[RegisterUser](identity.UserKind, es.Admin, commands.InAccount),
			commands.On[ChangeProfile](identity.UserKind, "change_profile", es.Viewer),
		},
		commands.Lifecycle(identity.UserKind, es.Admin, es.Admin),
	)
}

// RegisterUser asks to make a person a user of an account. Their password is
// set by whoever asks, before.
type RegisterUser struct{ identity.NewUser }

// Decide asks the user.
func (c RegisterUser) Decide(env es.Env, u identity.User) ([]es.Event, error) {
	if c.Role.Rank() > env.Actor.Role.Rank() {
		return nil, es.Refuse(es.Forbidden, "", "Nobody gives a role above their own.")
	}
	return u.Register(c.NewUser)
}

// ChangeProfile asks that a person goes by other names; what is left out stays.
type ChangeProfile struct {
	FirstName commands.Optional[string] `json:"first_name,omitzero" nullable:"false" doc:"1 to 100 characters."`
	LastName  commands.Optional[string] `json:"last_name,omitzero" nullable:"false" doc:"At most 100 characters."`
}

// Decide asks the user.
func (c ChangeProfile) Decide(env es.Env, u identity.User) ([]es.Event, error) {
	return u.ChangeProfile(env, c.FirstName.Or(u.FirstName.String()), c.LastName.Or(u.LastName.String()))
}
