package store_test

import (
	"testing"
	"time"

	"github.com/igny8/igny8/infra/bus/bustest"
)

func TestTheLogIsABus(t *testing.T) {
	t.Parallel()
	bustest.Run(t, bustest.Factory{
		New:      func(t testing.TB) bustest.Bus { return newWorld(t) },
		TakeOver: 3 * time.Second,
	})
}
