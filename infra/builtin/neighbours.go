package builtin

import (
	"context"
	"slices"
)

const (
	// leastAlike is the similarity under which two phrases have nothing to do
	// with each other.
	leastAlike = 0.08
	// mostNeighbours is how many phrases at most each one is compared with in
	// the end, and allNeighbours how many all of them are together.
	mostNeighbours = 225
	allNeighbours  = 6_000_000
	// lookups bounds how many entries of the index each phrase looks at, so that
	// the time grows with the phrases and not with their square. The rarest
	// features come first: they tell most.
	lookups = 30_000
)

// neighbour is another phrase, and how alike the two are.
type neighbour struct {
	to    int32
	alike float32
}

// index finds the phrases that show a feature.
type index struct {
	vectors  []vector
	postings [][]neighbour // by feature, with its weight there
	df       []int32
}

func newIndex(vectors []vector, df []int32) *index {
	x := &index{vectors: vectors, df: df, postings: make([][]neighbour, len(df))}
	for id, n := range df {
		x.postings[id] = make([]neighbour, 0, n)
	}
	for i, v := range vectors {
		for _, f := range v {
			x.postings[f.id] = append(x.postings[f.id], neighbour{int32(i), f.weight})
		}
	}
	return x
}

// mostOf is how many neighbours each of n phrases may have.
func mostOf(n int) int { return max(30, min(mostNeighbours, allNeighbours/max(1, n))) }

// neighbours are the phrases most alike to each one, by number. It takes both
// cores, and gives the same whatever they do first.
func (x *index) neighbours(ctx context.Context, progress func(done int)) ([][]neighbour, error) {
	most := mostOf(len(x.vectors))
	all := make([][]neighbour, len(x.vectors))
	err := inStretches(ctx, len(all), progress, func() func(int) {
		row := newRow(len(all))
		return func(i int) { all[i] = x.nearest(i, most, row) }
	})
	return all, err
}

// nearest looks the phrase's features up, the rarest first, and measures the
// candidates exactly. The row is clear before and after.
func (x *index) nearest(i, most int, row *row) []neighbour {
	v := slices.Clone(x.vectors[i])
	slices.SortFunc(v, func(a, b feature) int {
		if d := int(x.df[a.id]) - int(x.df[b.id]); d != 0 {
			return d
		}
		return int(a.id - b.id)
	})
	left, whole := lookups, true
	for n, f := range v {
		postings := x.postings[f.id]
		if left -= len(postings); left < 0 && n > 0 {
			whole = false
			break
		}
		for _, p := range postings {
			row.add(p.to, float32(f.weight*p.alike))
		}
	}
	least := float32(leastAlike)
	if !whole {
		least /= 2
	}
	found := row.found[:0]
	for _, to := range row.touched {
		if int(to) != i && row.sums[to] >= least {
			found = append(found, neighbour{to, row.sums[to]})
		}
	}
	row.clear()
	row.found = found
	if !whole {
		found = x.measured(i, mostAlike(found, 2*most))
	}
	return nearestOf(found, most)
}

// measured are the candidates with how alike they are by all features.
func (x *index) measured(i int, candidates []neighbour) []neighbour {
	exact := candidates[:0]
	for _, c := range candidates {
		if c.alike = dot(x.vectors[i], x.vectors[c.to]); c.alike >= leastAlike {
			exact = append(exact, c)
		}
	}
	return exact
}

// mostAlike keeps the most of them, in no order that means anything: it selects
// as quicksort does, without sorting (Hoare 1961).
func mostAlike(all []neighbour, most int) []neighbour {
	for low, high := 0, len(all)-1; len(all) > most && low < high; {
		pivot := all[(low+high)/2]
		i, j := low, high
		for i <= j {
			for before(all[i], pivot) {
				i++
			}
			for before(pivot, all[j]) {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i++
				j--
			}
		}
		switch {
		case most-1 <= j:
			high = j
		case most-1 >= i:
			low = i
		default:
			low = high
		}
	}
	return all[:min(most, len(all))]
}

// nearestOf are the most alike of them, by number.
func nearestOf(found []neighbour, most int) []neighbour {
	nearest := slices.Clone(mostAlike(found, most))
	slices.SortFunc(nearest, func(a, b neighbour) int { return int(a.to - b.to) })
	return nearest
}

// before orders neighbours by how alike they are, and equals by number.
func before(a, b neighbour) bool { return a.alike > b.alike || a.alike == b.alike && a.to < b.to }
