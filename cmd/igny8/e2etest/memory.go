package e2etest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// PeakMemory is the most memory that the serving process ever had resident, in
// bytes; only Linux tells.
func (i *Installation) PeakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.current().cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(text, &kib); !found || err != nil {
		t.Fatalf("no VmHWM: %v", err)
	}
	return kib << 10
}

// MemoryLimit is a bound for a process that is to need no more than so many MB,
// with room for the race detector where the program has it.
func MemoryLimit(mb int64) int64 {
	if raced {
		mb *= 6
	}
	return mb << 20
}
