// Package eventstoretest says what every event store must do: one conformance
// suite for the ports commands.Store and projections.Log, which each adapter
// runs in its own tests. It assumes nothing about the technology, and neither
// that the store is empty nor that nobody else writes to it.
package eventstoretest

import (
	"context"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// Fixture is what the suite examines: a store, and the log that tells what was
// appended to it.
type Fixture struct {
	Store commands.Store
	Log   projections.Log
	// Holder looks up who holds a unique claim; ok is false when nobody does.
	Holder func(ctx context.Context, scope string, key []byte) (holder es.StreamID, ok bool, err error)
	// LogFollows says that the log is a copy which lags behind the store, so
	// that an append's answer does not carry the log's position.
	LogFollows bool
}

type check func(*testing.T, Fixture)

// Run examines an adapter. Each check gets a fixture of its own from open,
// which may give the same store each time; checks run in parallel.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	t.Helper()
	for _, group := range []map[string]check{appends(), repeats(), claims(), follows(), lookups(), purges(), races(), models()} {
		for name, c := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c(t, open(t))
			})
		}
	}
}
