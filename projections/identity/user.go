// Package identity is what is shown of people.
package identity

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/projections/table"
)

// User is a user as clients see them.
type User struct {
	table.Base
	Email     es.Personal `db:"email" json:"email"`
	FirstName es.Personal `db:"first_name" json:"first_name"`
	LastName  es.Personal `db:"last_name" json:"last_name"`
	Role      es.Role     `db:"role" json:"role" filter:"eq,in" sort:"true"`
}

// Users is the table of users. Their names and addresses are sealed in it, so
// that there is neither search nor order by them.
func Users() *table.Table[User] {
	return table.New(table.Spec[User]{
		Name: "identity_users", Version: 1, Kind: identity.UserKind, Evolve: evolveUser,
	})
}

func evolveUser(row *User, e es.Event) {
	switch e := e.(type) {
	case identity.UserRegistered:
		row.Email, row.FirstName, row.LastName, row.Role = e.Email, e.FirstName, e.LastName, e.Role
	case identity.UserProfileChanged:
		row.FirstName, row.LastName = e.FirstName, e.LastName
	}
}
