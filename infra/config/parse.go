package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func wrong(mend, format string, args ...any) *Problem {
	return &Problem{Wrong: fmt.Sprintf(format, args...), Mend: mend}
}

func text(field func(*Config) *string) func(*Config, string) *Problem {
	return func(c *Config, raw string) *Problem {
		*field(c) = raw
		return nil
	}
}

func path(field func(*Config) *string) func(*Config, string) *Problem {
	return func(c *Config, raw string) *Problem {
		if raw == "" {
			return nil
		}
		abs, err := filepath.Abs(raw)
		if err != nil {
			return wrong("give an absolute path", "the current folder, which %q is relative to, cannot be found", raw)
		}
		*field(c) = abs
		return nil
	}
}

func oneOf(field func(*Config) *string, allowed ...string) func(*Config, string) *Problem {
	return func(c *Config, raw string) *Problem {
		if !slices.Contains(allowed, raw) {
			return wrong("use "+strings.Join(allowed, " or "), "%q is not known", raw)
		}
		*field(c) = raw
		return nil
	}
}

func address(field func(*Config) *string, mayBeOff bool) func(*Config, string) *Problem {
	mend := "give host:port, such as 127.0.0.1:8080 or [::1]:8080"
	if mayBeOff {
		mend += ", or off"
	}
	return func(c *Config, raw string) *Problem {
		if mayBeOff && raw == "off" {
			*field(c) = ""
			return nil
		}
		host, port, err := net.SplitHostPort(raw)
		if err != nil {
			return wrong(mend, "%q is not an address", raw)
		}
		if strings.ContainsAny(host, " /@") {
			return wrong(mend, "%q is not a host", host)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return wrong(mend, "%q is not a port (0 to 65535)", port)
		}
		*field(c) = raw
		return nil
	}
}

func list(raw string) []string {
	var items []string
	for item := range strings.SplitSeq(raw, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func setPublicURL(c *Config, raw string) *Problem {
	if raw == "" {
		return nil
	}
	mend := "give scheme and host, such as https://api.example.com"
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return wrong(mend, "it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return wrong(mend, "it is not an http or https URL")
	case u.User != nil, u.RawQuery != "", u.Fragment != "", strings.Trim(u.Path, "/") != "":
		return wrong(mend, "it holds more than scheme and host")
	}
	u.Path = ""
	c.PublicURL = u
	return nil
}

// setDatabaseURL never quotes what it was given, nor an error of url.Parse,
// which does: it holds a password.
func setDatabaseURL(c *Config, raw string) *Problem {
	if raw == "" {
		return nil
	}
	mend := "give postgres://user@host:5432/database with the password as user:password@ (special characters percent-encoded), or leave it out for the private Postgres"
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return wrong(mend, "it is not a URL")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return wrong(mend, "it does not begin with postgres://")
	case u.Host == "" && u.Query().Get("host") == "":
		return wrong(mend, "it names no host")
	case strings.Trim(u.Path, "/") == "":
		return wrong(mend, "it names no database")
	}
	c.DatabaseURL = raw
	return nil
}

func setBrokers(c *Config, raw string) *Problem {
	for _, broker := range list(raw) {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			return wrong("give host:port, separated by commas", "%q is not an address", broker)
		}
		c.KafkaBrokers = append(c.KafkaBrokers, broker)
	}
	return nil
}

func setThrottles(c *Config, raw string) *Problem {
	switch raw {
	case "on":
		c.Throttles = true
	case "off":
		c.Throttles = false
	default:
		return wrong("use on or off", "%q is not known", raw)
	}
	return nil
}

func setRequestTimeout(c *Config, raw string) *Problem {
	d, err := time.ParseDuration(raw)
	if err != nil || d < time.Second || d > 10*time.Minute {
		return wrong("give 1s to 10m, such as 30s", "%q is not a duration in that range", raw)
	}
	c.RequestTimeout = d
	return nil
}

// size reads a number of bytes.
func size(field func(*Config) *int64) func(*Config, string) *Problem {
	return func(c *Config, raw string) *Problem {
		n, problem := bytesOf(raw)
		if problem == nil {
			*field(c) = n
		}
		return problem
	}
}

func bytesOf(raw string) (int64, *Problem) {
	mend := "give 1KB to 1GB, such as 10MB"
	number, unit := strings.TrimRight(raw, "KMGBkmgb"), int64(0)
	switch strings.ToUpper(raw[len(number):]) {
	case "B", "":
		unit = 1
	case "KB":
		unit = 1 << 10
	case "MB":
		unit = 1 << 20
	case "GB":
		unit = 1 << 30
	default:
		return 0, wrong(mend, "%q is not a size", raw)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
	if err != nil || n*unit < 1<<10 || n*unit > 1<<30 {
		return 0, wrong(mend, "%q is not a size in that range", raw)
	}
	return n * unit, nil
}

func setTrustedProxies(c *Config, raw string) *Problem {
	for _, item := range list(raw) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, err := netip.ParseAddr(item)
			if err != nil {
				return wrong("give addresses or networks, such as 10.0.0.7 or 10.0.0.0/8", "%q is neither", item)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Bits() == 0 {
			return wrong("name the networks of your own proxies", "%q would believe anybody's X-Forwarded-For", item)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix.Masked())
	}
	return nil
}

func setCORSOrigins(c *Config, raw string) *Problem {
	for _, item := range list(raw) {
		u, err := url.Parse(item)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Contains(u.Host, "*") || u.User != nil || u.Scheme+"://"+u.Host != item {
			return wrong("give exact origins, such as https://app.example.com, with no path and no *", "%q is not an origin", item)
		}
		c.CORSOrigins = append(c.CORSOrigins, item)
	}
	return nil
}

func setLogLevel(c *Config, raw string) *Problem {
	switch raw {
	case "debug", "info", "warn", "error":
	default:
		return wrong("use debug, info, warn or error", "%q is not known", raw)
	}
	if err := c.LogLevel.UnmarshalText([]byte(raw)); err != nil {
		c.LogLevel = slog.LevelInfo
	}
	return nil
}
