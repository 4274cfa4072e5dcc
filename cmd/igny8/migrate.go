package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// migrator brings the schema up to date. Doing it again changes nothing.
type migrator interface {
	// Pending names the migrations that are missing, in order.
	Pending(ctx context.Context) ([]string, error)
	// Migrate applies them and names those it applied. Processes that call it
	// at once wait for each other. replacePasswords gives the roles new ones
	// after a change of the master key.
	Migrate(ctx context.Context, replacePasswords bool) ([]string, error)
}

type migrateCommand struct {
	Check            bool `help:"Apply nothing; fail when something is missing."`
	ReplacePasswords bool `help:"Give the database's roles new passwords, after a change of the master key."`
}

// Help is shown by `igny8 migrate --help`.
func (migrateCommand) Help() string {
	return `"igny8 serve" does this by itself on one machine; in a cluster run it once before a new version is started. Running it again changes nothing.

Examples:

  igny8 migrate
  DATABASE_URL=postgres://owner@db/igny8 igny8 migrate --check`
}

// Run applies what is missing, or with --check says what that is.
func (c *migrateCommand) Run(ctx context.Context, s *session, p *parts) error {
	return with(ctx, s, p.migrations, func(m migrator) error {
		did, do := "applied", func(ctx context.Context) ([]string, error) { return m.Migrate(ctx, c.ReplacePasswords) }
		if c.Check {
			did, do = "pending", m.Pending
		}
		names, err := do(ctx)
		if err != nil {
			return err
		}
		if names == nil {
			names = []string{}
		}
		err = s.answer(map[string][]string{did: names}, func(w io.Writer) error {
			text := "The schema is up to date."
			if len(names) > 0 {
				text = did + ":\n  " + strings.Join(names, "\n  ")
			}
			_, err := fmt.Fprintln(w, text)
			return err
		})
		if err == nil && c.Check && len(names) > 0 {
			return fmt.Errorf("%d migrations are missing: run igny8 migrate", len(names))
		}
		return err
	})
}
