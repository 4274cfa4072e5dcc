//go:build !linux

package cluster

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
)

// isServer tells whether pid is a postmaster on data, by its command line.
func isServer(pid int, data string) bool {
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // G204: a number.
	return err == nil && strings.Contains(string(out), "postgres -D "+data)
}

// processesIn is empty here: without /proc, PostgreSQL's own check of its
// shared memory keeps a new server from starting beside orphaned backends.
func processesIn(string) []int { return nil }
