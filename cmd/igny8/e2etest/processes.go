package e2etest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processesIn are the pids of the live processes that work in a folder. A
// server's work in its data.
func processesIn(dir string) []int {
	all, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is fine.
	var pids []int
	for _, link := range all {
		where, err := os.Readlink(link)
		if err != nil || where != dir {
			continue // not ours to see, or gone by now.
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
