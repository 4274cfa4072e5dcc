package identity

import (
	"context"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

// NewAdmin is somebody who operates the platform.
type NewAdmin struct {
	Email     string
	Password  string
	FirstName string
	LastName  string
}

// CreateAdmin makes a user with the role developer in the platform's own
// account, which must exist. It is for the operator's command line alone, and
// gives the user's id. Errors: es.Invalid with every fault, es.Conflict
// ("taken") for an address that somebody has.
func (s *Service) CreateAdmin(ctx context.Context, platform es.ID, n NewAdmin) (es.ID, error) {
	command := commands.NewID()
	register := RegisterUser{identity.NewUser{
		Email: n.Email, FirstName: n.FirstName, LastName: n.LastName, Role: es.Developer,
	}}
	faults := es.Faults{}
	password := newPassword(faults, n.Password, n.Email)
	_, err := identity.User{}.Register(register.NewUser)
	if err = collect(faults, err); err != nil {
		return es.ID{}, err
	}
	if err := faults.Err(); err != nil {
		return es.ID{}, err
	}
	user := es.Derive(command, "user", 0)
	return user, s.register(ctx, commands.Request{
		Tenant: es.Tenant{Account: platform}, Target: user, Actor: es.System(), Command: command, Payload: register,
	}, password)
}
