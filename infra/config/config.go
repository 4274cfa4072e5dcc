// Package config reads the settings of igny8 from environment variables and
// flags. Every setting has one definition (settings.go), from which validation,
// the output of `igny8 config` and docs/configuration.md follow.
//
// A flag wins over the environment, which wins over the default. Secrets never
// appear in errors or in what is printed.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"sort"
	"strings"
	"time"
)

// Config is every setting, checked. Make it with Load.
type Config struct {
	// Listen is the address of the public API, host:port; port 0 picks a free one.
	Listen string
	// MetricsListen is the address of the Prometheus metrics; "" serves none.
	MetricsListen string
	// PublicURL is how clients reach the API, for links in answers; nil takes
	// it from Listen.
	PublicURL *url.URL
	// DataDir is an absolute path: the private Postgres, the master key, the
	// erasure log.
	DataDir string
	// MasterKeyFile is an absolute path, in DataDir unless set otherwise.
	MasterKeyFile string
	// DatabaseURL is a postgres:// URL; "" starts the private Postgres.
	DatabaseURL string
	Profile     Profile
	// ESDBURL and KafkaBrokers belong to the cluster's profiles.
	ESDBURL      string
	KafkaBrokers []string
	// ErasureLog is an absolute path, in DataDir unless set otherwise.
	ErasureLog string
	// Throttles says whether request rates are limited.
	Throttles bool
	LogLevel  slog.Level
	// LogFormat is "json" or "text".
	LogFormat string
	// Roles are what this process does, each once.
	Roles []Role
	// RequestTimeout is how long a request may take, its queueing included.
	RequestTimeout time.Duration
	// BodyLimit is the largest request body taken, in bytes.
	BodyLimit int64
	// UploadLimit is the largest file taken, in bytes.
	UploadLimit int64
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// CORSOrigins are the exact origins that browsers may call from.
	CORSOrigins []string
}

// Has says whether this process plays the role.
func (c Config) Has(role Role) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// Source says where a value came from.
type Source string

// The sources.
const (
	FromDefault     Source = "default"
	FromEnvironment Source = "environment"
	FromFlag        Source = "flag"
)

// Value is one setting as it stands, safe to print.
type Value struct {
	Name string `json:"name"`
	// Value has its secrets masked.
	Value  string `json:"value"`
	Source Source `json:"source"`
	// Error says what is wrong with it; "" when nothing is.
	Error string `json:"error,omitempty"`
}

// Loaded is what Load found.
type Loaded struct {
	Config Config
	// Values are all settings in the order of the documentation, also when
	// some are wrong.
	Values []Value
	// Warnings are sentences about what is allowed but likely not meant.
	Warnings []string
}

// Problem is a setting that cannot be used.
type Problem struct {
	Setting string
	// Wrong says what is wrong, with secrets masked; Mend says what to do.
	Wrong, Mend string
}

func (p *Problem) Error() string { return p.Setting + ": " + p.Wrong + "; " + p.Mend }

// Load reads the settings from environ (entries "NAME=value", as os.Environ
// gives them) and flags (by the setting's name; empty ones count as not given).
// The error joins every *Problem; Values are complete even then.
func Load(environ []string, flags map[string]string) (Loaded, error) {
	env := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	var loaded Loaded
	var problems []error
	for _, s := range settings() {
		raw, source := s.Default, FromDefault
		if v := env[s.Name]; v != "" {
			raw, source = v, FromEnvironment
		}
		if v := flags[s.Name]; v != "" {
			raw, source = v, FromFlag
		}
		value := Value{Name: s.Name, Value: s.show(raw), Source: source}
		if err := s.set(&loaded.Config, raw); err != nil {
			value.Error = err.Wrong
			err.Setting = s.Name
			problems = append(problems, err)
		}
		loaded.Values = append(loaded.Values, value)
	}
	problems = append(problems, loaded.Config.contradictions()...)
	loaded.Values = loaded.Config.derive(loaded.Values)
	loaded.Warnings = append(loaded.Config.doubts(), strangers(env)...)
	return loaded, errors.Join(problems...)
}

// strangers warns of variables that look like settings and are none: a
// misspelt name would otherwise leave the default in force unnoticed.
func strangers(env map[string]string) []string {
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.Name] = true
	}
	var warnings []string
	for name := range env {
		if strings.HasPrefix(name, "IGNY8_") && !known[name] {
			warnings = append(warnings, fmt.Sprintf("%s is no setting and is ignored; did you mean %s?", name, closest(name)))
		}
	}
	sort.Strings(warnings)
	return warnings
}

func closest(name string) string {
	best, least := "", -1
	for _, s := range settings() {
		if d := distance(name, s.Name); least < 0 || d < least {
			best, least = s.Name, d
		}
	}
	return best
}

// distance is the Levenshtein distance between two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
