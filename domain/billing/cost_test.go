package billing_test

import (
	"testing"

	. "github.com/igny8/igny8/domain/billing"
	"github.com/igny8/igny8/domain/es"
)

func TestPricesAreRoundedUpAndHaveAFloor(t *testing.T) {
	t.Parallel()
	terms := map[string]CostTerms{}
	for _, seed := range SeedCosts() {
		if _, err := (Cost{}).Create(seed.Operation, seed.CostTerms); err != nil {
			t.Errorf("the seed of %s is refused: %v", seed.Operation, err)
		}
		terms[seed.Operation] = seed.CostTerms
	}
	for _, c := range []struct {
		operation   string
		units, want int64
	}{
		{Clustering, 0, 2},
		{Clustering, 300, 2},
		{Clustering, 301, 3},
		{Clustering, 450, 3},
		{Clustering, 451, 4},
		{Content, 1, 3},
		{Content, 301, 4},
		{Linking, 1, 1},
		{ImageBasic, 3, 3},
		{ImagePremium, 3, 12},
		{ImagePremium, 0, 0},
	} {
		if got, err := terms[c.operation].Price(c.units); got != c.want || err != nil {
			t.Errorf("%d units of %s cost %d, %v; want %d", c.units, c.operation, got, err, c.want)
		}
	}
	for _, units := range []int64{-1, 1 << 62} {
		if _, err := terms[Clustering].Price(units); es.ClassOf(err) != es.Invalid {
			t.Errorf("%d units cost something: %v", units, err)
		}
	}
}
