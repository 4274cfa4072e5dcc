package identity

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
)

const (
	minPassword = 8
	maxPassword = 128
)

// newPassword is the form in which a password is hashed, with faults when it is
// too weak to choose.
func newPassword(faults es.Faults, password, email string) string {
	clean := typedPassword(password)
	n := utf8.RuneCountInString(clean)
	switch {
	case n == 0:
		faults.Add("password", "This field is required.")
	case n < minPassword:
		faults.Add("password", "A password has at least %d characters.", minPassword)
	case n > maxPassword:
		faults.Add("password", "A password has at most %d characters.", maxPassword)
	case identity.EmailKey(clean) == identity.EmailKey(email):
		faults.Add("password", "The password must not be the e-mail address.")
	}
	return clean
}

// typedPassword is NFC, so that keyboards that compose accents in other ways
// type the same password. Nothing is trimmed.
func typedPassword(password string) string { return norm.NFC.String(password) }
