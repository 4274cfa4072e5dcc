//go:build !race

package e2etest

// raced says that the race detector is on.
const raced = false
