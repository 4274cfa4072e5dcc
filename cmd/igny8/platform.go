package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/igny8/igny8/domain/es"
)

// adminMaker makes administrators of the platform.
type adminMaker interface {
	// CreateAdmin makes one and returns the user's id. An e-mail address that
	// is taken is an *es.Error.
	CreateAdmin(ctx context.Context, a newAdmin) (es.ID, error)
}

// newAdmin is who is to be an administrator.
type newAdmin struct{ Email, FirstName, LastName, Password string }

type platformCommand struct {
	CreateAdmin createAdminCommand `cmd:"" help:"Make an administrator of the platform."`
}

type createAdminCommand struct {
	Email         string `required:"" help:"What the administrator logs in with." placeholder:"ADDRESS"`
	FirstName     string `help:"First name." placeholder:"NAME"`
	LastName      string `help:"Last name." placeholder:"NAME"`
	PasswordStdin bool   `help:"Read the password from standard input instead of asking for it."`
}

// Help is shown by `igny8 platform create-admin --help`.
func (createAdminCommand) Help() string {
	return `The first administrator can only be made here, by somebody who reaches the machine. The password is asked for, and never a flag: flags are seen by every user of the machine.

Examples:

  igny8 platform create-admin --email=ada@example.com
  igny8 platform create-admin --email=ada@example.com --password-stdin < password.txt`
}

// Run makes the administrator.
func (c *createAdminCommand) Run(ctx context.Context, s *session, p *parts) error {
	password, err := c.password(s)
	if err != nil {
		return err
	}
	return with(ctx, s, p.admins, func(m adminMaker) error {
		id, err := m.CreateAdmin(ctx, newAdmin{Email: c.Email, FirstName: c.FirstName, LastName: c.LastName, Password: password})
		if err != nil {
			return err
		}
		return s.answer(map[string]any{"user_id": id}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s is an administrator of the platform (user %s)\n", c.Email, id)
			return err
		})
	})
}

func (c *createAdminCommand) password(s *session) (string, error) {
	file, isFile := s.stdin.(*os.File)
	switch {
	case c.PasswordStdin:
		text, err := io.ReadAll(io.LimitReader(s.stdin, 4<<10))
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return given(strings.TrimRight(string(text), "\r\n"))
	case !isFile || !term.IsTerminal(int(file.Fd())):
		return "", usageError{errors.New("there is no terminal to ask for the password on: give it on standard input with --password-stdin")}
	}
	first, err := s.ask(file, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := s.ask(file, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", usageError{errors.New("the two passwords differ")}
	}
	return given(first)
}

func given(password string) (string, error) {
	if password == "" {
		return "", usageError{errors.New("the password is empty")}
	}
	return password, nil
}

func (s *session) ask(terminal *os.File, question string) (string, error) {
	_, _ = fmt.Fprint(s.stderr, question)
	text, err := term.ReadPassword(int(terminal.Fd()))
	_, _ = fmt.Fprintln(s.stderr)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(text), nil
}
