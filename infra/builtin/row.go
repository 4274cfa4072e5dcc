package builtin

// row is how alike something is to each phrase, most of them not at all. It is used
// again and again by one core.
type row struct {
	sums    []float32
	touched []int32     // whose sums are not 0
	found   []neighbour // scratch
}

func newRow(n int) *row { return &row{sums: make([]float32, n)} }

func (r *row) add(i int32, much float32) {
	if r.sums[i] == 0 {
		r.touched = append(r.touched, i)
	}
	r.sums[i] += much
}

func (r *row) clear() {
	for _, i := range r.touched {
		r.sums[i] = 0
	}
	r.touched = r.touched[:0]
}
