package builtin

import (
	"context"
	"math"
	"slices"
)

const (
	// closest is how many of its nearest neighbours a phrase is read together with.
	closest = 10
	// leastSmooth is the likeness under which phrases that are read together with
	// their neighbours have nothing to do with each other.
	leastSmooth = 0.2
)

// smoothing compares phrases that are read together with their nearest neighbours:
// each stands for itself and, as far as they are alike, for them. Phrases about one
// thing that share no word ("whey isolate", "vegan protein") are alike then, as
// their neighbours are, and two that share but "at home" are less so. It is one
// step of propagation over the graph of neighbours (Wu et al., "Simplifying Graph
// Convolutional Networks", ICML 2019) without its vectors: for vectors V and
// weights A, (AV)(AV)' is A(VV')A', so the likenesses VV' are all that it needs.
type smoothing struct {
	alike [][]neighbour // each phrase's neighbours, by number
	kin   [][]neighbour // the closest of them and the phrase itself, by number
	norms []float32
}

func newSmoothing(alike [][]neighbour) *smoothing {
	s := &smoothing{alike: alike, kin: make([][]neighbour, len(alike)), norms: make([]float32, len(alike))}
	for i, some := range alike {
		kin := append(slices.Clone(mostAlike(slices.Clone(some), closest)), neighbour{int32(i), 1})
		slices.SortFunc(kin, func(a, b neighbour) int { return int(a.to - b.to) })
		s.kin[i] = kin
	}
	return s
}

// neighbours are the phrases most alike to each one, by number, as likeness is
// here: a cosine, from leastSmooth to 1.
func (s *smoothing) neighbours(ctx context.Context, progress func(done int)) ([][]neighbour, error) {
	each := func(progress func(int), do func(i int, row *row)) error {
		return inStretches(ctx, len(s.alike), progress, func() func(int) {
			row := newRow(len(s.alike))
			return func(i int) {
				s.read(i, row)
				do(i, row)
				row.clear()
			}
		})
	}
	err := each(func(done int) { progress(done / 4) }, func(i int, row *row) {
		s.norms[i] = float32(math.Sqrt(float64(s.meet(i, row))))
	})
	if err != nil {
		return nil, err
	}
	all := make([][]neighbour, len(s.alike))
	start := len(all) / 4
	err = each(func(done int) { progress(start + done*3/4) }, func(i int, row *row) { all[i] = s.nearest(i, row) })
	return all, err
}

// nearest are the phrases most alike to one whose row was read.
func (s *smoothing) nearest(i int, row *row) []neighbour {
	found := row.found[:0]
	for _, j := range row.touched {
		if int(j) == i {
			continue
		}
		if alike := s.meet(int(j), row) / float32(s.norms[i]*s.norms[j]); alike >= leastSmooth {
			found = append(found, neighbour{j, alike})
		}
	}
	row.found = found
	return nearestOf(found, mostOf(len(s.alike)))
}

// read adds up what a phrase's kin are like.
func (s *smoothing) read(i int, row *row) {
	for _, k := range s.kin[i] {
		row.add(k.to, k.alike)
		for _, n := range s.alike[k.to] {
			row.add(n.to, float32(k.alike*n.alike))
		}
	}
}

// meet is how much of a row a phrase's kin have.
func (s *smoothing) meet(i int, row *row) (sum float32) {
	for _, k := range s.kin[i] {
		sum += float32(k.alike * row.sums[k.to])
	}
	return sum
}
