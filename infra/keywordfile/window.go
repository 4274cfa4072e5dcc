package keywordfile

import "slices"

// A table's numbers are judged by this many of its first rows, or by fewer
// where those have more text than windowBytes.
const (
	windowRows  = 500
	windowBytes = 512 << 10
)

// records gives rows until io.EOF.
type records interface {
	next() (record, error)
}

// window looks at records before they are read.
type window struct {
	source records
	queue  []record
	err    error // what the source gave after the queue
}

// next gives the next record.
func (w *window) next() (record, error) {
	if len(w.queue) > 0 {
		r := w.queue[0]
		w.queue = w.queue[1:]
		return r, nil
	}
	if w.err != nil {
		return record{}, w.err
	}
	r, err := w.source.next()
	w.err = err
	return r, err
}

// ahead gives up to n of the records that next will give.
func (w *window) ahead(n int) []record {
	size := 0
	for _, r := range w.queue {
		size += textSize(r)
	}
	for len(w.queue) < n && (size < windowBytes || len(w.queue) == 0) && w.err == nil {
		r, err := w.source.next()
		if err != nil {
			w.err = err
			break
		}
		r.cells = slices.Clone(r.cells)
		size += textSize(r)
		w.queue = append(w.queue, r)
	}
	return w.queue[:min(n, len(w.queue))]
}

func textSize(r record) int {
	n := 0
	for _, c := range r.cells {
		n += len(c) + 16
	}
	return n
}
