package keywordfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/igny8/igny8/commands/planner"
)

// table is rows under one header.
type table struct {
	header
	*columns // nil: a table without keywords
	styles   map[int]style
	// exact says that the months are filled, so that volumes are no buckets.
	exact bool
	// zeroIsUnknown says that a CPC of 0 is unknown: Semrush writes 0.00 for it.
	zeroIsUnknown bool
	// intentsSeen and countriesSeen keep what cells stand for that repeat.
	intentsSeen   memo[[]planner.Intent]
	countriesSeen memo[string]
}

// newTable judges how numbers are written by the table's first rows.
func newTable(h header, ahead []record) table {
	t := table{header: h, columns: h.columns, styles: map[int]style{}}
	t.intentsSeen, t.countriesSeen = memo[[]planner.Intent]{read: intentsOf}, memo[string]{read: countryOf}
	t.zeroIsUnknown = toolOf(h.cells) == "Semrush"
	if t.columns == nil {
		return t
	}
	seen, file := map[int]*evidence{}, evidence{}
	whole := map[int]bool{}
	for _, list := range [][]int{t.volume, t.low, t.high, t.columns.months} {
		for _, i := range list {
			seen[i], whole[i] = &evidence{}, true
		}
	}
	for _, i := range slices.Concat(t.cpc, t.difficulty) {
		seen[i] = &evidence{}
	}
	for _, r := range ahead {
		for i, e := range seen {
			e.see(cellAt(r.cells, i))
		}
		t.exact = t.exact || len(t.months(r.cells)) > 0
		for i, cell := range r.cells {
			if seen[i] == nil && len(cell) < 20 && strings.ContainsAny(cell, ",.") && !strings.ContainsAny(cell, "[]:/ ") {
				file.see(cell)
			}
		}
	}
	for _, e := range seen {
		file.add(*e)
	}
	for i, e := range seen {
		t.styles[i] = e.style(file, whole[i])
	}
	return t
}

// another says whether a row is a header: the same again, or that of another
// table that was glued to this one, with keywords or without.
func (t *table) another(r record) (header, bool) {
	if r.problem != "" || !mayBeHeader(r.cells) {
		return header{}, false
	}
	filled, known := 0, 0
	for _, cell := range r.cells {
		if strings.TrimSpace(cell) == "" {
			continue
		}
		filled++
		if c := columnOf(cell); c.role != unknownColumn {
			known++
		} else if _, ok := smallInteger(cell); ok {
			return header{}, false
		}
	}
	next := header{row: r.row, cells: slices.Clone(r.cells)}
	next.columns = columnsOf(r.cells)
	switch {
	case t.repeats(r.cells):
		next.columns = t.columns
		return next, true
	case next.columns != nil && known > 1 && known*2 >= filled:
		return next, true
	case next.columns == nil && known > 1 && known == filled:
		return next, true
	default:
		return header{}, false
	}
}

// repeats says whether a row is the table's own header again.
func (t *table) repeats(cells []string) bool {
	return slices.EqualFunc(cells, t.cells, func(a, b string) bool { return headerName(a) == headerName(b) })
}

// keyword reads a row; ok is false where it is no data. ends says whether the
// table ends after it.
func (t *table) keyword(r record, ends func() bool) (row planner.KeywordRow, ok bool) {
	if r.blank() {
		return row, false
	}
	row.Row = r.row
	if t.columns == nil {
		row.Problem = fmt.Sprintf("This row belongs to a table without keywords, whose header is row %d.", t.row)
		return row, true
	}
	if t.isTotal(r.cells, ends) {
		return row, false
	}
	d, problem, column := t.details(r.cells)
	if problem != "" {
		row.Problem, row.Column = problem, column
		return row, true
	}
	row.Details = d
	return row, true
}

// isTotal says whether a row sums others up: a line of totals, or a segment of
// Google Keyword Planner's.
func (t *table) isTotal(cells []string, ends func() bool) bool {
	keyword := strings.TrimSpace(cellAt(cells, t.columns.keyword))
	if keyword == "" {
		return len(t.segment) > 0 || slices.ContainsFunc(cells, func(c string) bool { return totals[headerName(c)] != notTotal || headerName(c) == "all" })
	}
	if len(keyword) > 7 && strings.EqualFold(keyword[:7], "total: ") {
		return true
	}
	if !totalShapes[shapeOf(keyword)] {
		return false
	}
	switch totals[headerName(keyword)] {
	case alwaysTotal:
		return true
	case totalAtEnd:
		return ends()
	default:
		return false
	}
}

type totalLine int

const (
	notTotal    totalLine = iota
	alwaysTotal           // nobody searches for it
	totalAtEnd            // somebody may search for it, so it is a total only as the last row
)

// totals are what stands for the keyword in lines of totals.
var totals = map[string]totalLine{
	"grand total": alwaysTotal, "total general": alwaysTotal, "total général": alwaysTotal, "gesamtsumme": alwaysTotal, "totale complessivo": alwaysTotal,
	"genel toplam": alwaysTotal, "общий итог": alwaysTotal, "total:": alwaysTotal, "totals:": alwaysTotal, "итого:": alwaysTotal, "toplam:": alwaysTotal,
	"total": totalAtEnd, "totals": totalAtEnd, "totales": totalAtEnd, "totaux": totalAtEnd, "gesamt": totalAtEnd, "summe": totalAtEnd, "totale": totalAtEnd, "totais": totalAtEnd,
	"toplam": totalAtEnd, "итого": totalAtEnd, "всего": totalAtEnd, "合计": totalAtEnd, "总计": totalAtEnd, "合計": totalAtEnd, "総計": totalAtEnd,
}

// cellAt is a cell, "" where the row is too short for it.
func cellAt(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return cells[i]
}

// mayBeHeader is a quick look at the first cells; most rows of data stop here.
func mayBeHeader(cells []string) bool {
	for i, cell := range cells {
		if i == 4 {
			return false
		}
		if cell = strings.TrimPrefix(cell, "\uFEFF"); cell == "" || len(cell) > 80 || !nameShapes[shapeOf(cell)] {
			continue
		}
		if c := columnOf(cell); c.role != unknownColumn {
			return true
		}
	}
	return false
}

// shape is a name's length, first and last byte, without case.
type shape struct {
	size        int
	first, last byte
}

func shapeOf(s string) shape {
	return shape{len(s), s[0] | 0x20, s[len(s)-1] | 0x20}
}

// nameShapes and totalShapes are the shapes of columnNames and totals.
var (
	nameShapes  = shapesOf(columnNames)
	totalShapes = shapesOf(totals)
)

func shapesOf[V any](names map[string]V) map[shape]bool {
	shapes := map[shape]bool{}
	for name := range names {
		_, first := utf8.DecodeRuneInString(name)
		for _, form := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:first]) + name[first:]} {
			shapes[shapeOf(form)] = true
		}
	}
	return shapes
}
