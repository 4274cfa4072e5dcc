package keywordfile

import (
	"strings"
)

const (
	// headerRows is how far down a header is looked for.
	headerRows = 100
	// noDelimiter is between no cells: a control character that keywords cannot
	// have. Lines of files with one column are one cell, whatever is in them.
	noDelimiter = '\x1F'
)

// header is a row that names columns.
type header struct {
	index   int64 // how many rows are before it
	row     int64
	cells   []string
	columns *columns // nil: there are no keywords
}

// better says whether h is likelier the header than other.
func (h header) better(other header) bool {
	if h.columns == nil || other.columns == nil {
		if h.columns != nil || other.columns != nil {
			return h.columns != nil
		}
		return len(h.cells) > len(other.cells)
	}
	if h.columns.known != other.columns.known {
		return h.columns.known > other.columns.known
	}
	return len(h.cells) > len(other.cells)
}

// findDelimiter tries each delimiter and takes the one with which most columns of
// a header are known.
func findDelimiter(head []byte, newline byte) (byte, header) {
	best, delimiter := header{}, byte(',')
	for _, d := range []byte{',', '\t', ';', '|'} {
		var rows []record
		lines := newDelimited(strings.NewReader(string(head)), d, newline)
		lines.utf8 = true
		for len(rows) < headerRows {
			r, err := lines.next()
			if err != nil {
				break
			}
			r.cells = append([]string(nil), r.cells...)
			rows = append(rows, r)
		}
		if found := findHeader(rows); found.better(best) {
			best, delimiter = found, d
		}
	}
	return delimiter, best
}

// findHeader gives the first row with a column of keywords and another column
// that is known; failing that, the first one with a column of keywords; failing
// that, the row with most cells, without columns.
func findHeader(rows []record) header {
	var alone, widest header
	for i, r := range rows {
		h := header{index: int64(i) + 1, row: r.row, cells: r.cells}
		if cols := columnsOf(r.cells); cols != nil {
			h.columns = cols
			if cols.known > 1 {
				return h
			}
			if alone.columns == nil && !namesValue(r.cells) {
				alone = h
			}
			continue
		}
		if len(r.cells) > len(widest.cells) && !r.blank() {
			widest = h
		}
	}
	if alone.columns != nil {
		return alone
	}
	return widest
}

// namesValue says whether a row is a name and its value, as Moz writes them
// before the header.
func namesValue(cells []string) bool {
	return len(cells) == 2 && strings.TrimSpace(cells[1]) != ""
}

func delimiterName(d byte) string {
	switch d {
	case ',':
		return "comma"
	case '\t':
		return "tab"
	case ';':
		return "semicolon"
	case '|':
		return "pipe"
	default:
		return ""
	}
}
