// Package postgres gives out connections to the database, by role, and the few
// ways of working on it that the whole program shares.
package postgres

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
)

// Role is a login role of the database. Each has a pool and rights of its own;
// none may become another.
type Role string

// The roles.
const (
	RoleOwner     Role = "igny8_owner"     // owns every table; migrations and DDL
	RoleApp       Role = "igny8_app"       // reads of one account at a time, under row-level security
	RoleAppender  Role = "igny8_appender"  // appends to and reads streams
	RoleProjector Role = "igny8_projector" // reads the log, writes read models and checkpoints
	RoleLogin     Role = "igny8_login"     // credentials, refresh tokens, idempotency, claims of e-mail
	RolePlatform  Role = "igny8_platform"  // operations of platform staff over accounts
)

// Roles are all of them.
func Roles() []Role {
	return []Role{RoleOwner, RoleApp, RoleAppender, RoleProjector, RoleLogin, RolePlatform}
}

// RolePassword is a role's password, derived from the master key, so that
// nothing about roles has to be configured or kept.
func RolePassword(master []byte, role Role) string {
	return derive(master, "postgres role "+string(role))
}

// RoleFingerprint tells, without telling the password, which one a role has.
func RoleFingerprint(master []byte, role Role) string {
	return derive(master, "postgres role fingerprint "+string(role))[:16]
}

func derive(master []byte, info string) string {
	key, err := hkdf.Key(sha256.New, master, nil, info, 32)
	if err != nil {
		panic("postgres: " + err.Error()) // only for lengths that HKDF cannot give
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

// RoleURL is base, the address of the database for anybody, for role.
func RoleURL(base string, master []byte, role Role) (string, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", fmt.Errorf("the database's address must have the form postgres://user:password@host:port/database")
	}
	u.User = url.UserPassword(string(role), RolePassword(master, role))
	query := u.Query()
	query.Del("user")
	query.Del("password")
	u.RawQuery = query.Encode()
	return u.String(), nil
}
