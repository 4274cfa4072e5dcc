package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// socketFolder is where the server's socket lives: in the cluster's folder, or,
// as a socket's path may have only 103 bytes, in a short one of the same rights.
func (c *Cluster) socketFolder() (string, error) {
	const longest = 103 - len("/.s.PGSQL.5432")
	dir := filepath.Join(c.opts.Dir, "run")
	if len(dir) > longest {
		sum := sha256.Sum256([]byte(c.opts.Dir))
		dir = filepath.Join("/tmp", "igny8-"+hex.EncodeToString(sum[:8]))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("folder of PostgreSQL's socket: %w", err)
	}
	if err := c.account.chown(dir); err != nil {
		return "", err
	}
	return dir, nil
}

func (c *Cluster) writeSettings(ctx context.Context) error {
	sockets := c.sockets
	if rest, inside := strings.CutPrefix(sockets, c.opts.Dir); inside {
		sockets = c.seen() + rest
	}
	settings := map[string]string{
		"listen_addresses":        "''",
		"port":                    "5432",
		"unix_socket_directories": quote(sockets),
		"unix_socket_permissions": "0700",
		"max_connections":         "100",

		"shared_buffers":               "128MB",
		"jit":                          "off",
		"random_page_cost":             "1.1",
		"max_wal_size":                 "2GB",
		"min_wal_size":                 "80MB",
		"checkpoint_timeout":           "15min",
		"checkpoint_completion_target": "0.9",

		"fsync":              "on",
		"synchronous_commit": "on",
		"full_page_writes":   "on",
		"wal_level":          "minimal",
		"max_wal_senders":    "0",

		"logging_collector":       "off",
		"log_line_prefix":         "''",
		"log_error_verbosity":     "terse", // details quote the rows' values
		"log_min_error_statement": "panic", // so do statements
		"log_checkpoints":         "off",
		"timezone":                "'UTC'",
		"lc_messages":             "'C'",
	}
	if c.opts.Disposable {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
		settings["max_connections"] = "400"
		settings["autovacuum_naptime"] = "60"
	}
	if c.supports(ctx, "wal_compression", "lz4") {
		settings["wal_compression"] = "lz4"
	}
	maps.Copy(settings, c.opts.Settings)

	var text strings.Builder
	text.WriteString("# Written by igny8 at every start. Put your own settings into local.conf beside it.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = %s\n", name, settings[name])
	}
	text.WriteString("include_if_exists = 'local.conf'\n")
	path := filepath.Join(c.data(), "postgresql.conf")
	if err := writeFile(path, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("settings of PostgreSQL: %w", err)
	}
	return c.account.chown(path)
}

// supports asks the binaries whether a setting takes a value.
func (c *Cluster) supports(ctx context.Context, name, value string) bool {
	return c.command(ctx, "postgres", "-D", filepath.Join(c.seen(), "data"), "-C", name, "-c", name+"="+value).Run() == nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
