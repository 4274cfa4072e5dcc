package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"

	"github.com/alecthomas/kong"

	"github.com/igny8/igny8/infra/config"
	"github.com/igny8/igny8/infra/observe"
	"github.com/igny8/igny8/infra/progress"
)

// globals are the flags that every command takes.
type globals struct {
	Data      string `help:"${help_data}" placeholder:"FOLDER" group:"Everywhere"`
	LogLevel  string `help:"${help_log_level}" placeholder:"LEVEL" group:"Everywhere"`
	LogFormat string `help:"${help_log_format}" placeholder:"FORMAT" group:"Everywhere"`
	JSON      bool   `help:"Answer in JSON, for programs, without a progress bar." group:"Everywhere"`

	Version kong.VersionFlag `help:"Print the version." group:"Everywhere"`
}

func (g globals) settings() map[string]string {
	return map[string]string{"IGNY8_DATA": g.Data, "IGNY8_LOG_LEVEL": g.LogLevel, "IGNY8_LOG_FORMAT": g.LogFormat}
}

// settingHelp makes the flags' help texts from the settings' definitions.
func settingHelp() kong.Vars {
	vars := kong.Vars{"version": version()}
	for _, s := range config.Settings() {
		if s.Flag == "" {
			continue
		}
		help := s.Help + " [" + s.Name
		if s.Default != "" {
			help += ", default " + s.Default
		}
		vars["help_"+underscored(s.Flag)] = help + "]"
	}
	return vars
}

func underscored(flag string) string {
	out := []byte(flag)
	for i := range out {
		if out[i] == '-' {
			out[i] = '_'
		}
	}
	return string(out)
}

// session is the surroundings of one call of the program.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	json           bool
	flags          map[string]string // by the setting's name
}

// use adds settings that were given as flags; empty ones were not.
func (s *session) use(flags map[string]string) {
	all := maps.Clone(s.flags)
	if all == nil {
		all = map[string]string{}
	}
	for name, value := range flags {
		if value != "" {
			all[name] = value
		}
	}
	s.flags = all
}

// settings reads the settings; a wrong one ends the command with exit code 2.
func (s *session) settings() (config.Loaded, error) { return config.Load(s.environ, s.flags) }

// logger logs to standard error as the settings say.
func (s *session) logger(c config.Config) *slog.Logger {
	return observe.NewLogger(s.stderr, c.LogLevel, c.LogFormat)
}

// progress shows how far a long command is, on standard error.
func (s *session) progress(unit string) *progress.Progress {
	mode := progress.Silent
	if file, ok := s.stderr.(*os.File); ok {
		mode = progress.Detect(file, s.json)
	} else if !s.json {
		mode = progress.Lines
	}
	return progress.New(s.stderr, mode, unit, nil)
}

// answer writes a result to standard output: as JSON for programs, else as text
// writes it.
func (s *session) answer(result any, text func(w io.Writer) error) error {
	if !s.json {
		return text(s.stdout)
	}
	enc := json.NewEncoder(s.stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(result); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}
