// Package pgtest gives each test a migrated database of its own, on one private
// PostgreSQL that all test binaries of a user share. That server trades safety
// for speed (no fsync) and stops by itself after a minute without tests; tests
// of durability take NewServer. Nothing has to be set up but PostgreSQL's
// binaries, and without them tests fail.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/migrations"
)

// setUp bounds everything that New waits for.
const setUp = time.Minute

// MasterKey is the key that the passwords of the roles derive from in tests.
func MasterKey() []byte { return []byte("igny8 tests: a master key of 32b") }

// DB is a test's own database.
type DB struct {
	// Postgres has the pools of the roles.
	Postgres *postgres.DB
	// AdminURL is the database's address for a superuser, whom row-level
	// security does not hold.
	AdminURL string
}

// URL is the database's address for a role.
func (db *DB) URL(role postgres.Role) string {
	url, err := postgres.RoleURL(db.AdminURL, MasterKey(), role)
	if err != nil {
		panic(err) // AdminURL is ours
	}
	return url
}

// New makes a fresh database, migrated by all migrations of this binary, and
// drops it when the test ends. It takes tens of milliseconds, about two seconds
// when it has to start the server. It fails the test where there is none.
func New(tb testing.TB) *DB {
	tb.Helper()
	admin := create(tb, true)
	return open(tb, admin)
}

// Empty makes a fresh database that no migration has seen, and returns its
// address for a superuser.
func Empty(tb testing.TB) string {
	tb.Helper()
	return create(tb, false)
}

func open(tb testing.TB, admin string) *DB {
	tb.Helper()
	db, err := postgres.Open(tb.Context(), postgres.Options{URL: admin, MasterKey: MasterKey(), Name: tb.Name()})
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(db.Close)
	return &DB{Postgres: db, AdminURL: admin}
}

func create(tb testing.TB, migrated bool) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), setUp)
	defer cancel()
	var err error
	// The server may stop, idle, just as we come: then it is started again.
	for range 3 {
		var url string
		if url, err = tryCreate(ctx, tb, migrated); err == nil {
			return url
		}
		if !postgres.IsUnavailable(err) {
			break
		}
	}
	tb.Fatalf("pgtest: %v", err)
	return ""
}

func tryCreate(ctx context.Context, tb testing.TB, migrated bool) (string, error) {
	tb.Helper()
	conn, err := acquire(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()

	server := conn.Config().ConnString()
	template := "template0"
	if migrated {
		if template, err = templateName(); err != nil {
			return "", err
		}
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random)
	name := fmt.Sprintf("t_%d_%s", os.Getpid(), hex.EncodeToString(random))
	if _, err := conn.Exec(ctx, "create database "+name+" strategy file_copy template "+template); err != nil {
		return "", fmt.Errorf("make the test's database: %w", err)
	}
	later := context.WithoutCancel(ctx)
	tb.Cleanup(func() { drop(later, server, name) })
	if migrated {
		if _, err := conn.Exec(ctx, migrations.DatabaseGrants(name)); err != nil {
			return "", fmt.Errorf("rights on the test's database: %w", err)
		}
	}
	return inDatabase(server, name)
}

// drop removes a test's database; what it cannot, goes with the server.
func drop(ctx context.Context, server, name string) {
	ctx, cancel := context.WithTimeout(ctx, setUp)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)")
}
