package quality_test

import (
	"math"
	"testing"

	. "github.com/igny8/igny8/infra/builtin/quality"
)

func TestMeasuresAreAsComputedByHand(t *testing.T) {
	t.Parallel()
	// Six things of two classes in clusters of 3, 2 and 1:
	//   cells: a in 0: 2, b in 0: 1, a in 1: 1, b in 1: 1, b in 2: 1
	//   pairs together in both: 1; in classes 3+3, in clusters 3+1, of 15
	//   ARI = (1 - 6*4/15) / ((6+4)/2 - 6*4/15) = -0.6/3.4
	labels, clusters := []string{"a", "a", "b", "a", "b", "b"}, []int{0, 0, 0, 1, 1, 2}
	if got, want := ARI(labels, clusters), -0.6/3.4; math.Abs(got-want) > 1e-12 {
		t.Errorf("ARI %v, want %v", got, want)
	}
	// H(C) = ln 2, H(K) = ln 6 - (3 ln 3 + 2 ln 2)/6, H(C,K) = ln 6 - 2 ln 2 / 6
	c, k, both := math.Log(2), math.Log(6)-(3*math.Log(3)+2*math.Log(2))/6, math.Log(6)-2*math.Log(2)/6
	h, o := 1-(both-k)/c, 1-(both-c)/k
	if got, want := VMeasure(labels, clusters), 2*h*o/(h+o); math.Abs(got-want) > 1e-12 {
		t.Errorf("V-measure %v, want %v", got, want)
	}
}

func TestMeasuresAtTheirEnds(t *testing.T) {
	t.Parallel()
	labels := []string{"a", "a", "b", "b"}
	for name, c := range map[string]struct {
		clusters []int
		v, ari   float64
	}{
		"the same, under other names": {[]int{7, 7, 3, 3}, 1, 1},
		"all in one":                  {[]int{0, 0, 0, 0}, 0, 0},
		"each alone":                  {[]int{0, 1, 2, 3}, 2.0 / 3, 0},
		"crossed":                     {[]int{0, 1, 0, 1}, 0, -0.5},
	} {
		if v, ari := VMeasure(labels, c.clusters), ARI(labels, c.clusters); math.Abs(v-c.v) > 1e-12 || math.Abs(ari-c.ari) > 1e-12 {
			t.Errorf("%s: V-measure %v, ARI %v, want %v and %v", name, v, ari, c.v, c.ari)
		}
	}
	if VMeasure(nil, nil) != 1 || ARI(nil, nil) != 1 {
		t.Error("nothing is not clustered rightly")
	}
}
