package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/igny8/igny8/infra/config"
)

// Exit codes. Scripts rely on them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or a setting is wrong; nothing was done
)

// usageError is a mistake of who called, not of what was done.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

const about = `The IGNY8 backend: an API whose every change is an event, and every read model can be rebuilt.

Start with "igny8 serve": without any setting it runs everything on this machine. Settings are environment variables and flags; "igny8 config" shows them all.`

// run is the program: it parses, runs one command and gives the exit code.
func run(ctx context.Context, args []string, p parts, s session) int {
	var flags globals
	code, asked := exitDone, false
	options := append(
		p.commands(),
		kong.Name("igny8"), kong.Description(about), settingHelp(),
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(c int) { code, asked = c, true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&s, &p),
	)
	parser, err := kong.New(&flags, options...)
	if err != nil {
		return s.fail(fmt.Errorf("the command line is defined wrongly: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if asked { // --help or --version: what else the line says does not matter
		return code
	}
	if err != nil {
		return s.fail(usageError{fmt.Errorf("%w; see: %s", err, helpFor(err))})
	}
	s.json = flags.JSON
	s.use(flags.settings())
	return s.fail(command.Run())
}

func helpFor(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Command() != "" {
		return "igny8 " + parse.Context.Command() + " --help"
	}
	return "igny8 --help"
}

// fail reports an error for people and gives its exit code; nil is none.
func (s *session) fail(err error) int {
	var usage usageError
	var problem *config.Problem
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), errors.As(err, &problem):
		s.complain(err)
		return exitUsage
	case errors.Is(err, context.Canceled):
		s.complain(errors.New("interrupted"))
		return exitFailed
	default:
		s.complain(err)
		return exitFailed
	}
}

func (s *session) complain(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(s.stderr, "igny8:", line)
	}
}
