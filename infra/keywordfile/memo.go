package keywordfile

import "strings"

// memoSize bounds a memo; columns of countries and intents have few values.
const memoSize = 256

// memo keeps what a pure function gave for cells that repeat.
type memo[V any] struct {
	read func(cell string) V
	seen map[string]V
}

func (m *memo[V]) of(cell string) V {
	if v, ok := m.seen[cell]; ok {
		return v
	}
	v := m.read(cell)
	if m.seen == nil {
		m.seen = map[string]V{}
	}
	if len(m.seen) < memoSize && len(cell) <= maxHeaderCell {
		m.seen[strings.Clone(cell)] = v
	}
	return v
}
