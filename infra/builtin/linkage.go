package builtin

import (
	"context"
	"slices"
)

// link is what a cluster has in common with another: the sum over pairs of
// members of how alike they are. Pairs that are no neighbours count as 0.
type link struct {
	to  int32
	sum float64
}

// linkage merges clusters as long as the average pair of members of two is at
// least so alike: average linkage (Sokal and Michener 1958) over a sparse graph,
// by chains of nearest neighbours (Benzécri 1982; Juan 1982), which gives the
// same tree as always merging the most alike two.
type linkage struct {
	links [][]link
	size  []int32
	into  []int32 // the cluster that one was merged into; itself while it lives

	sums  []float64 // scratch
	dirty []int32
}

// newLinkage links phrases that are neighbours, whichever of the two says so. How
// alike they are is what the first of them says, so that both see the same; sums
// of these numbers are exact, so that no order changes them.
func newLinkage(neighbours [][]neighbour) *linkage {
	n := len(neighbours)
	l := &linkage{links: make([][]link, n), size: make([]int32, n), into: make([]int32, n), sums: make([]float64, n)}
	degree := make([]int, n)
	each := func(visit func(i, j int32, alike float32)) {
		for i, some := range neighbours {
			for _, o := range some {
				if int(o.to) > i || !contains(neighbours[o.to], i) {
					visit(int32(i), o.to, o.alike)
				}
			}
		}
	}
	each(func(i, j int32, _ float32) { degree[i]++; degree[j]++ })
	for i := range n {
		l.links[i] = make([]link, 0, degree[i])
		l.size[i], l.into[i] = 1, int32(i)
	}
	each(func(i, j int32, alike float32) {
		l.links[i] = append(l.links[i], link{j, float64(alike)})
		l.links[j] = append(l.links[j], link{i, float64(alike)})
	})
	return l
}

func contains(some []neighbour, i int) bool {
	_, found := slices.BinarySearchFunc(some, i, func(n neighbour, i int) int { return int(n.to) - i })
	return found
}

func (l *linkage) find(i int32) int32 {
	for l.into[i] != i {
		l.into[i] = l.into[l.into[i]]
		i = l.into[i]
	}
	return i
}

// merge links everything that is alike enough, and gives the cluster of each.
func (l *linkage) merge(ctx context.Context, least float64, progress func(done int)) ([]int32, error) {
	var chain []int32
	done := 0
	for start := range l.links {
		if l.into[start] != int32(start) {
			continue
		}
		if start%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			progress(done)
		}
		chain = append(chain[:0], int32(start))
		for len(chain) > 0 {
			top := chain[len(chain)-1]
			before := int32(-1)
			if len(chain) > 1 {
				before = chain[len(chain)-2]
			}
			nearest, alike := l.nearest(top, before)
			switch {
			case nearest < 0 || alike < least:
				// Nothing that is merged later can be more alike to it: it is done.
				l.links[top] = nil
				chain = chain[:len(chain)-1]
			case nearest == before:
				l.join(before, top)
				done++
				chain = chain[:len(chain)-2]
				if len(chain) == 0 {
					chain = append(chain, l.find(before))
				}
			default:
				chain = append(chain, nearest)
			}
		}
	}
	all := make([]int32, len(l.into))
	for i := range all {
		all[i] = l.find(int32(i))
	}
	return all, nil
}

// nearest is the cluster most alike to one; of equals the one that comes before it
// in the chain, so that chains end, and else the first.
func (l *linkage) nearest(i, before int32) (nearest int32, alike float64) {
	l.gather(i)
	nearest = -1
	for _, o := range l.links[i] {
		average := o.sum / (float64(l.size[i]) * float64(l.size[o.to]))
		if nearest < 0 || average > alike || average == alike && (o.to == before || o.to < nearest && nearest != before) {
			nearest, alike = o.to, average
		}
	}
	return nearest, alike
}

// gather brings the links of a cluster to what lives now, by number.
func (l *linkage) gather(i int32) {
	links := l.links[i]
	l.dirty = l.dirty[:0]
	clean := true
	for n, o := range links {
		if l.into[o.to] != o.to || n > 0 && links[n-1].to >= o.to {
			clean = false
			break
		}
	}
	if clean {
		return
	}
	for _, o := range links {
		to := l.find(o.to)
		if to == i {
			continue
		}
		if l.sums[to] == 0 {
			l.dirty = append(l.dirty, to)
		}
		l.sums[to] += o.sum
	}
	slices.Sort(l.dirty)
	links = links[:0]
	for _, to := range l.dirty {
		links = append(links, link{to, l.sums[to]})
		l.sums[to] = 0
	}
	l.links[i] = links
}

// join merges b into a, or a into b: the lower number stays.
func (l *linkage) join(a, b int32) {
	if b < a {
		a, b = b, a
	}
	l.into[b] = a
	l.size[a] += l.size[b]
	l.links[a] = append(l.links[a], l.links[b]...)
	l.links[b] = nil
	l.gather(a)
}
