package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/igny8/igny8/infra/config"
)

// addressFlags are the settings of serve that are often given by hand.
type addressFlags struct {
	Listen        string `help:"${help_listen}" placeholder:"HOST:PORT"`
	MetricsListen string `help:"${help_metrics_listen}" placeholder:"HOST:PORT"`
	PublicURL     string `help:"${help_public_url}" placeholder:"URL" name:"public-url"`
	Roles         string `help:"${help_roles}" placeholder:"ROLES"`
}

func (f addressFlags) settings() map[string]string {
	return map[string]string{
		"IGNY8_LISTEN": f.Listen, "IGNY8_METRICS_LISTEN": f.MetricsListen,
		"IGNY8_PUBLIC_URL": f.PublicURL, "IGNY8_ROLES": f.Roles,
	}
}

type configCommand struct{ addressFlags }

// Help is shown by `igny8 config --help`.
func (configCommand) Help() string {
	return `It takes the flags of serve and shows what serve would work with. Secrets are masked. When a setting is wrong it says which, why and what to do, and ends with exit code 2.

Examples:

  igny8 config
  IGNY8_LOG_LEVEL=debug igny8 config --listen=0.0.0.0:8080
  igny8 config --json | jq -r '.settings[] | select(.source != "default") | .name'`
}

// configAnswer is what `igny8 config --json` prints.
type configAnswer struct {
	Profile  string         `json:"profile"`
	Settings []config.Value `json:"settings"`
	Warnings []string       `json:"warnings"`
}

// Run prints the settings, and fails when one is wrong.
func (c *configCommand) Run(_ context.Context, s *session) error {
	s.use(c.settings())
	loaded, wrong := s.settings()
	answer := configAnswer{Profile: loaded.Config.Profile.String(), Settings: loaded.Values, Warnings: loaded.Warnings}
	if answer.Warnings == nil {
		answer.Warnings = []string{}
	}
	err := s.answer(answer, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
		for _, v := range loaded.Values {
			value := v.Value
			if value == "" {
				value = "-"
			}
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, value, v.Source)
		}
		if err := table.Flush(); err != nil {
			return fmt.Errorf("writing the settings: %w", err)
		}
		for _, warning := range loaded.Warnings {
			_, _ = fmt.Fprintln(w, "\nwarning:", warning)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return wrong
}
