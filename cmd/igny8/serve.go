package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/igny8/igny8/infra/config"
)

// serve plays the configured roles until ctx ends, then stops gracefully and
// returns nil. It calls listening once, as soon as it answers requests, with
// the address it listens on (http://HOST:PORT).
type serve func(ctx context.Context, c config.Config, log *slog.Logger, listening func(url string)) error

type serveCommand struct {
	addressFlags
	Examples bool `help:"Play the demonstration where nobody ever signed up, and print lines to try in another terminal."`
}

// Help is shown by `igny8 serve --help`.
func (serveCommand) Help() string {
	return `Without any setting it starts a Postgres of its own in the data folder and serves on http://127.0.0.1:8080. The first line on standard output is "listening on http://HOST:PORT"; the log goes to standard error.

Ctrl-C (or SIGTERM) finishes what is in flight and stops; a second one stops at once. Nothing that was acknowledged is lost either way.

Examples:

  igny8 serve
  igny8 serve --listen=0.0.0.0:8080 --data=/var/lib/igny8
  DATABASE_URL=postgres://igny8@db/igny8 igny8 serve --roles=projector`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, s *session, p *parts) error {
	s.use(c.settings())
	loaded, err := s.settings()
	if err != nil {
		return err
	}
	log := s.logger(loaded.Config)
	for _, warning := range loaded.Warnings {
		log.WarnContext(ctx, "doubtful setting", slog.String("warning", warning))
	}
	return p.serve(ctx, loaded.Config, log, func(url string) {
		_, _ = fmt.Fprintln(s.stdout, "listening on", url)
		if c.Examples {
			go tryout(ctx, s, p, loaded.Config, url)
		}
	})
}
