package keywordfile

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxTrend is how many months are kept.
const maxTrend = 24

// trendOf reads months in one cell, the newest last: "34, 32, 20" or
// "[23,36]". Shares of the highest month ("0.82, 1.00") come in percent.
// nil where the cell is something else.
func trendOf(cell string) []int64 {
	var values []float64
	most, fractions := 0.0, false
	for rest := cell; rest != ""; {
		n := strings.IndexAny(rest, "[]{}, \t;|")
		word := rest
		if rest = ""; n >= 0 {
			word, rest = word[:n], word[n+1:]
		}
		if word == "" {
			continue
		}
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || !(v >= 0 && v <= maxAmount) {
			return nil
		}
		if values == nil {
			values = make([]float64, 0, maxTrend)
		}
		if len(values) == maxTrend {
			values = append(values[:0], values[1:]...)
		}
		values = append(values, v)
		most = max(most, v)
		fractions = fractions || strings.Contains(word, ".")
	}
	if len(values) < 2 {
		return nil
	}
	scale := 1.0
	if fractions && most <= 1 {
		scale = 100
	}
	trend := make([]int64, len(values))
	for i, v := range values {
		trend[i] = int64(math.Round(v * scale))
	}
	return trend
}

// months reads the columns of months. A trend has no gaps: it is the last months
// in a row that are known.
func (t *table) months(cells []string) []int64 {
	var trend []int64
	for _, i := range slices.Backward(t.columns.months) {
		n, ok := readNumber(cellAt(cells, i), t.styles[i])
		known := ok && n.known && n.value >= 0
		if !known && len(trend) > 0 || len(trend) == maxTrend {
			break
		}
		if known {
			trend = append(trend, int64(math.Round(n.value)))
		}
	}
	slices.Reverse(trend)
	return trend
}
