package keywordfile

import (
	"math"
	"strconv"
	"strings"
)

// number is what a cell says of an amount.
type number struct {
	value   float64
	known   bool // false: the cell says that there is no data, which is not 0
	rounded bool // the cell gives a range or a bound
	unit    string
}

// style is how a column's numbers are written, where a cell alone does not tell:
// "1,234" and "1.234".
type style struct {
	commaIsDecimal bool
	dotGroups      bool // a dot is between thousands
}

// noData are the cells that stand for an unknown number, besides empty ones.
var noData = map[string]bool{
	"-": true, "--": true, "–": true, "—": true, "n/a": true, "na": true, "#n/a": true, "nan": true, "null": true, "none": true, "nil": true,
	"∞": true, "-∞": true, "+∞": true, "∞%": true, "?": true, "no data": true, "not available": true, "unknown": true, "undefined": true,
	"n/d": true, "n.d.": true, "nd": true, "s/d": true, "sin datos": true, "sem dados": true, "k. a.": true, "k.a.": true, "k/a": true, "keine daten": true,
	"aucune donnée": true, "s.o.": true, "veri yok": true, "yok": true, "bilinmiyor": true, "нет данных": true, "н/д": true, "не определено": true,
	"暂无": true, "无": true, "无数据": true, "なし": true, "データなし": true, "#value!": true, "#ref!": true, "#div/0!": true,
}

// scales are what comes after a number that counts thousands or more.
var scales = map[string]float64{
	"": 1, "k": 1e3, "mil": 1e3, "bin": 1e3, "tsd": 1e3, "tsd.": 1e3, "тыс": 1e3, "тыс.": 1e3, "千": 1e3, "万": 1e4, "萬": 1e4,
	"m": 1e6, "mn": 1e6, "mio": 1e6, "mio.": 1e6, "mln": 1e6, "млн": 1e6, "млн.": 1e6,
}

// readNumber reads a cell; ok is false where it holds something else than a
// number or a mark for no data. A percentage is its figure: "45%" is 45.
//
// A range is one number. One of a power of ten up to the next ("1K – 10K") is
// half its upper end: what Google Keyword Planner writes for it where it writes
// one number (50 for 10 to 100). Any other ("118001..300000") is the geometric
// mean of its ends, since volumes spread over powers of ten; half the upper end
// where it begins at 0, as for "<10". ">1000" and "10+" are their bound.
func readNumber(cell string, st style) (n number, ok bool) {
	if v, ok := smallInteger(cell); ok {
		return number{value: v, known: true}, true
	}
	s := strings.TrimSpace(strings.Trim(cell, " \t\u00A0\u202F\uFEFF'"))
	if s == "" || noData[strings.ToLower(s)] {
		return number{}, true
	}
	if len(s) > 60 {
		return number{}, false
	}
	if low, high, found := rangeEnds(s); found {
		l, okLow := oneNumber(low, st)
		h, okHigh := oneNumber(high, st)
		if okLow && okHigh && l.value >= 0 && h.value >= l.value {
			if h.unit == "" {
				h.unit = l.unit
			}
			return number{value: between(l.value, h.value), known: true, rounded: true, unit: h.unit}, true
		}
	}
	if rest, found := cutAny(s, "<≤", strings.TrimPrefix); found {
		n, ok := oneNumber(rest, st)
		n.value, n.rounded = math.Round(n.value/2), true
		return n, ok
	}
	rest, open := cutAny(s, ">≥~≈", strings.TrimPrefix)
	rest, more := cutAny(rest, "+", strings.TrimSuffix)
	n, ok = oneNumber(rest, st)
	n.rounded = open || more
	return n, ok
}

// smallInteger reads the cells that most are.
func smallInteger(s string) (float64, bool) {
	if len(s) == 0 || len(s) > 15 {
		return 0, false
	}
	var v int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return float64(v), true
}

func cutAny(s, marks string, cut func(s, mark string) string) (rest string, found bool) {
	for _, mark := range marks {
		if rest := cut(s, string(mark)); rest != s {
			return strings.TrimSpace(rest), true
		}
	}
	return s, false
}

// rangeEnds splits "1K – 10K", "100-1K", "118001..300000", "10 to 100".
func rangeEnds(s string) (low, high string, found bool) {
	for _, mark := range []string{"..", "–", "—", " to ", "~", " - ", "-"} {
		if i := strings.Index(s, mark); i > 0 && i+len(mark) < len(s) {
			return strings.Trim(s[:i], " ."), strings.Trim(s[i+len(mark):], " ."), true
		}
	}
	return "", "", false
}

// between is the number that stands for a range.
func between(low, high float64) float64 {
	if low <= 1 || math.Abs(high-10*low) <= 10 && isPowerOfTen(low) {
		return math.Round(high / 2)
	}
	return math.Round(math.Sqrt(low * high))
}

func isPowerOfTen(v float64) bool {
	l := math.Log10(math.Round(v/10) * 10)
	return math.Abs(l-math.Round(l)) < 1e-9
}

// oneNumber reads a number with a sign, a currency, a percent sign or a scale.
func oneNumber(s string, st style) (number, bool) {
	first := strings.IndexAny(s, "0123456789")
	if first < 0 {
		return number{}, false
	}
	if first > 0 && (s[first-1] == '.' || s[first-1] == ',') {
		first--
	}
	last := strings.LastIndexAny(s, "0123456789") + 1
	before, core, after := strings.TrimSpace(s[:first]), s[first:last], strings.TrimSpace(s[last:])
	n := number{known: true}
	negative := false
	for _, minus := range []string{"-", "−"} {
		if strings.HasPrefix(before, minus) || strings.HasSuffix(before, minus) {
			before, negative = strings.TrimSpace(strings.Trim(before, minus)), true
		}
	}
	before = strings.TrimPrefix(strings.TrimPrefix(before, "+"), "%")
	scale, scaled := scales[strings.ToLower(after)]
	switch {
	case before == "" && (scaled || after == "%"):
	case before != "" && (scaled || after == "%"):
		if n.unit = currencyOf(before); n.unit == "" {
			return number{}, false
		}
	case before == "":
		if n.unit = currencyOf(after); n.unit == "" {
			return number{}, false
		}
	default:
		return number{}, false
	}
	value, ok := figures(core, st)
	if !ok {
		return number{}, false
	}
	if scaled && scale != 0 {
		value *= scale
	}
	if negative {
		value = -value
	}
	n.value = value
	return n, !math.IsInf(value, 0) && math.Abs(value) < 1e15
}

// figures reads digits with separators.
func figures(s string, st style) (float64, bool) {
	decimal := decimalMark(s, st)
	plain := make([]byte, 0, 32)
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b >= '0' && b <= '9':
			plain = append(plain, b)
		case i == decimal:
			plain = append(plain, '.')
		case b == ',' || b == '.' || b == ' ' || b == '\'':
		case strings.HasPrefix(s[i:], "\u00A0"), strings.HasPrefix(s[i:], "’"), strings.HasPrefix(s[i:], "\u202F"), strings.HasPrefix(s[i:], "\u2009"):
			for i+1 < len(s) && s[i+1]&0xC0 == 0x80 {
				i++
			}
		case b == 'e' || b == 'E':
			v, err := strconv.ParseFloat(s, 64)
			return v, err == nil
		default:
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(plain), 64)
	return v, err == nil
}

// decimalMark gives where the decimal mark is, or -1.
func decimalMark(s string, st style) int {
	comma, dot := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	switch {
	case comma < 0 && dot < 0:
		return -1
	case comma >= 0 && dot >= 0:
		return max(comma, dot)
	}
	mark := max(comma, dot)
	groups := st.dotGroups
	if comma >= 0 {
		groups = !st.commaIsDecimal
	}
	switch grouping(s, s[mark]) {
	case mustGroup:
		return -1
	case mayGroup:
		if groups {
			return -1
		}
	case cannotGroup:
	}
	return mark
}

// grouped says whether a mark can be between thousands.
type grouped int

const (
	cannotGroup grouped = iota // "30,55", "0,123"
	mayGroup                   // "1,234"
	mustGroup                  // "1,234,567", "1,23,456"
)

// grouping looks at digits with one kind of mark.
func grouping(s string, mark byte) grouped {
	i, n := strings.LastIndexByte(s, mark), strings.Count(s, string(mark))
	switch {
	case n > 1:
		return mustGroup
	case len(s)-i-1 == 3 && i > 0 && i <= 3 && s[0] != '0':
		return mayGroup
	default:
		return cannotGroup
	}
}

// evidence counts how a column's numbers use commas and dots.
type evidence struct {
	commaDecimal, commaGroups int
	dotDecimal, dotGroups     int
}

// see counts one cell.
func (e *evidence) see(cell string) {
	first, last := strings.IndexAny(cell, "0123456789"), strings.LastIndexAny(cell, "0123456789")
	if first < 0 || last-first > 30 {
		return
	}
	s := cell[first : last+1]
	comma, dot := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	switch {
	case comma < 0 && dot < 0 || strings.Contains(s, ".."):
	case comma > dot && dot >= 0:
		e.commaDecimal++
		e.dotGroups++
	case dot > comma && comma >= 0:
		e.dotDecimal++
		e.commaGroups++
	case comma >= 0:
		e.count(grouping(s, ','), &e.commaDecimal, &e.commaGroups)
	default:
		e.count(grouping(s, '.'), &e.dotDecimal, &e.dotGroups)
	}
}

func (e *evidence) count(g grouped, decimal, groups *int) {
	switch g {
	case cannotGroup:
		*decimal++
	case mustGroup:
		*groups++
	case mayGroup:
	}
}

func (e *evidence) add(o evidence) {
	e.commaDecimal += o.commaDecimal
	e.commaGroups += o.commaGroups
	e.dotDecimal += o.dotDecimal
	e.dotGroups += o.dotGroups
}

// style judges a column by itself, then, where it says nothing, by the whole
// file; whole numbers such as volumes have thousands rather than fractions.
func (e *evidence) style(file evidence, whole bool) style {
	fileCommaIsDecimal := file.commaDecimal > file.commaGroups
	var st style
	switch {
	case e.commaDecimal != e.commaGroups:
		st.commaIsDecimal = e.commaDecimal > e.commaGroups
	case !whole:
		st.commaIsDecimal = fileCommaIsDecimal
	}
	switch {
	case e.dotDecimal != e.dotGroups:
		st.dotGroups = e.dotGroups > e.dotDecimal
	default:
		st.dotGroups = whole || st.commaIsDecimal || fileCommaIsDecimal
	}
	return st
}
