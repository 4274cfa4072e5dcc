// Package identity decides about people: who they are, what they may do in
// their account, and which e-mail address is whose.
package identity

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// EmailScope is the scope of the claims on e-mail addresses, over all accounts.
const EmailScope = "identity.email"

// users is what plans call a seat.
const users = "users"

const maxName = 100

// UserKind is the kind of users.
var UserKind = es.Kind[User]{
	Name: "identity.user", Evolve: evolveUser,
	Events: es.Events(UserRegistered{}, UserProfileChanged{}).WithLifecycle(),
	Holds: func(u User) es.Held {
		held := es.Held{Counts: []es.Count{{Resource: users, N: 1}}}
		if !u.Email.IsErased() {
			held.Unique = []es.Unique{{
				Scope: EmailScope, Key: EmailKey(u.Email.String()), Global: true, Personal: true, Field: "email",
			}}
		}
		return held
	},
	Keeps: func(u User) error {
		if u.Role == es.Owner {
			return es.Refuse(es.Conflict, "owner", "An account's owner cannot be deleted; hand the account over first.")
		}
		return nil
	},
}

// UserRegistered says a person can log in from now on.
type UserRegistered struct {
	Email     es.Personal `json:"email"`
	FirstName es.Personal `json:"first_name"`
	LastName  es.Personal `json:"last_name"`
	Role      es.Role     `json:"role"`
	// Opens is the account that the person signed up for, whose owner they
	// are; nil for people who join an account that exists.
	Opens *NewAccount `json:"opens,omitempty"`
}

// EventType is the stored name.
func (UserRegistered) EventType() string { return "identity.user.registered.v1" }

// UserProfileChanged says a person goes by these names from now on.
type UserProfileChanged struct {
	FirstName es.Personal `json:"first_name"`
	LastName  es.Personal `json:"last_name"`
}

// EventType is the stored name.
func (UserProfileChanged) EventType() string { return "identity.user.profile_changed.v1" }

// NewAccount is what somebody who signs up asks of their account.
type NewAccount struct {
	Name string `json:"name"`
	Plan string `json:"plan"` // the plan's slug
}

// User is a person in an account.
type User struct {
	es.Entity
	Email     es.Personal
	FirstName es.Personal
	LastName  es.Personal
	Role      es.Role
}

// NewUser is what a user starts from.
type NewUser struct {
	Email     string
	FirstName string
	LastName  string
	Role      es.Role
	Opens     *NewAccount
}

// Register decides that a person is a user of the account.
func (u User) Register(n NewUser) ([]es.Event, error) {
	faults := es.Faults{}
	e := UserRegistered{Email: es.NewPersonal(email(faults, n.Email)), Role: n.Role}
	e.FirstName, e.LastName = names(faults, n.FirstName, n.LastName)
	if n.Role.Rank() == 0 {
		faults.Add("role", "There is no such role.")
	}
	if n.Opens != nil {
		e.Opens = &NewAccount{Name: text.Field(faults, "account_name", n.Opens.Name, 1, maxName), Plan: n.Opens.Plan}
		if n.Opens.Plan == "" {
			faults.Add("plan_slug", "This field is required.")
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{e}, nil
}

// ChangeProfile decides which names the person goes by; the same again record
// nothing. People change their own, and administrators everybody's.
func (u User) ChangeProfile(env es.Env, first, last string) ([]es.Event, error) {
	if env.Actor.ID != u.ID && !env.Actor.Role.AtLeast(es.Admin) {
		return nil, es.Refuse(es.Forbidden, "", "Only administrators change the profiles of others.")
	}
	faults := es.Faults{}
	e := UserProfileChanged{}
	e.FirstName, e.LastName = names(faults, first, last)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if e.FirstName.Equal(u.FirstName) && e.LastName.Equal(u.LastName) {
		return nil, nil
	}
	return []es.Event{e}, nil
}

func names(faults es.Faults, first, last string) (es.Personal, es.Personal) {
	return es.NewPersonal(text.Field(faults, "first_name", first, 1, maxName)),
		es.NewPersonal(text.Field(faults, "last_name", last, 0, maxName))
}

func evolveUser(u *User, e es.Event) {
	switch e := e.(type) {
	case UserRegistered:
		u.Email, u.FirstName, u.LastName, u.Role = e.Email, e.FirstName, e.LastName, e.Role
	case UserProfileChanged:
		u.FirstName, u.LastName = e.FirstName, e.LastName
	}
}
