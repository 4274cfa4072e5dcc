package store

import (
	"testing"

	"github.com/igny8/igny8/domain/es"
)

func TestAPartitionIsGivenBackWithACheckpointThatIsStillBeingWritten(t *testing.T) {
	t.Parallel()
	b := New(Config{})
	p := newPartition(&group{bus: b}, 0, 1, 40)
	p.read = 42
	p.settle(item{rec: es.Recorded{Envelope: es.Envelope{Position: 42}}})
	if position, due := p.due(false); !due || position != 42 {
		t.Fatalf("%d is to be written: %t", position, due)
	}
	if at := p.reached(); at != 42 {
		t.Errorf("it is given back at %d, want 42", at)
	}
}
