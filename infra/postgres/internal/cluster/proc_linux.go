package cluster

import (
	"os"
	"path/filepath"
	"strconv"
)

// isServer tells whether pid is a process of the server on data: all of them,
// and nothing else, have it as their working directory.
func isServer(pid int, data string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	return err == nil && cwd == data
}

// processesIn are all processes of the server on data.
func processesIn(data string) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && isServer(pid, data) {
			pids = append(pids, pid)
		}
	}
	return pids
}
