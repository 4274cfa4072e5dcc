// Package quality says how well a clustering fits what people say belongs
// together.
package quality

import "math"

// table counts how many of each pair of class and cluster there are.
type table struct {
	n                 float64
	cells             []float64
	classes, clusters []float64
}

func count(labels []string, clusters []int) table {
	t := table{n: float64(len(labels))}
	classes, groups, pairs := map[string]int{}, map[int]int{}, map[[2]int]int{}
	at := func(n int, list *[]float64) int {
		for len(*list) <= n {
			*list = append(*list, 0)
		}
		(*list)[n]++
		return n
	}
	for i, label := range labels {
		if _, ok := classes[label]; !ok {
			classes[label] = len(classes)
		}
		if _, ok := groups[clusters[i]]; !ok {
			groups[clusters[i]] = len(groups)
		}
		c, k := at(classes[label], &t.classes), at(groups[clusters[i]], &t.clusters)
		if _, ok := pairs[[2]int{c, k}]; !ok {
			pairs[[2]int{c, k}] = len(pairs)
		}
		at(pairs[[2]int{c, k}], &t.cells)
	}
	return t
}

func (t table) entropy(counts []float64) (h float64) {
	for _, n := range counts {
		h -= n / t.n * math.Log(n/t.n)
	}
	return h
}

// VMeasure is the harmonic mean of homogeneity (each cluster has one class) and
// completeness (each class is in one cluster), from 0 to 1 (Rosenberg and
// Hirschberg, "V-Measure", EMNLP 2007). labels and clusters have equal lengths.
func VMeasure(labels []string, clusters []int) float64 {
	if len(labels) == 0 {
		return 1
	}
	t := count(labels, clusters)
	c, k, both := t.entropy(t.classes), t.entropy(t.clusters), t.entropy(t.cells)
	homogeneity, completeness := 1.0, 1.0
	if c > 0 {
		homogeneity = 1 - (both-k)/c
	}
	if k > 0 {
		completeness = 1 - (both-c)/k
	}
	if homogeneity+completeness == 0 {
		return 0
	}
	return 2 * homogeneity * completeness / (homogeneity + completeness)
}

// ARI is the adjusted Rand index: how many pairs are put together or apart
// rightly, 0 for as many as by chance and 1 for all (Hubert and Arabie, "Comparing
// partitions", 1985).
func ARI(labels []string, clusters []int) float64 {
	t := count(labels, clusters)
	pairs := func(counts []float64) (sum float64) {
		for _, n := range counts {
			sum += n * (n - 1) / 2
		}
		return sum
	}
	all := t.n * (t.n - 1) / 2
	if all == 0 {
		return 1
	}
	together, classes, clustersPairs := pairs(t.cells), pairs(t.classes), pairs(t.clusters)
	chance := classes * clustersPairs / all
	most := (classes + clustersPairs) / 2
	if most == chance {
		return 1
	}
	return (together - chance) / (most - chance)
}
