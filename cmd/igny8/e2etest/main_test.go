package e2etest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// program is the built binary, set before any test runs.
var program e2etest.Program

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "igny8-e2e-program-*")
	if err == nil {
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder.
		program, err = e2etest.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
