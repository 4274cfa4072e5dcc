package keywordfile

import "bytes"

// recordState is what became of taking a record with quotes apart.
type recordState int

const (
	recordDone   recordState = iota
	recordOpen               // a quoted cell does not end in what was read so far
	recordBroken             // a quote can never have been meant to close
)

// quoted takes the record at the start of data apart, into d.text and d.ends,
// and says how many bytes it had. end says that nothing follows data.
func (d *delimited) quoted(data []byte, end bool) (used int, state recordState) {
	d.text, d.ends = d.text[:0], d.ends[:0]
	breaks := 0
	for i := 0; ; {
		if i < len(data) && data[i] == '"' {
			n, state := d.quotedCell(data[i:], end, &breaks)
			if state != recordDone {
				return 0, state
			}
			i += n
		} else {
			n := bytes.IndexAny(data[i:], string([]byte{d.delimiter, d.newline}))
			if n < 0 {
				n = len(data) - i
			}
			d.text = append(d.text, data[i:i+n]...)
			i += n
		}
		closes := i >= len(data) || data[i] == d.newline
		if closes && d.newline == '\n' && (len(d.ends) == 0 || d.ends[len(d.ends)-1] < len(d.text)) {
			d.text = bytes.TrimSuffix(d.text, []byte{'\r'})
		}
		d.ends = append(d.ends, len(d.text))
		switch {
		case i >= len(data) && !end:
			return 0, recordOpen
		case i >= len(data):
			return i, recordDone
		case data[i] == d.newline:
			return i + 1, recordDone
		}
		i++
	}
}

// quotedCell takes the cell at the start of data apart, which begins with a
// quote, and stops at the delimiter or line break after it.
//
// A quote that is neither doubled nor at the cell's end is text, such as the
// inches in "12" pan". But where it follows a delimiter or a line break, or the
// cell has line breaks, it opens another cell, so the cell at hand was never
// closed.
func (d *delimited) quotedCell(data []byte, end bool, breaks *int) (used int, state recordState) {
	from, lines := 1, 0
	for {
		n := bytes.IndexByte(data[from:], '"')
		stretch := data[from:]
		if n >= 0 {
			stretch = data[from : from+n]
		}
		found := bytes.Count(stretch, []byte{d.newline})
		lines += found
		if *breaks += found; *breaks > maxBreaks {
			return 0, recordBroken
		}
		if n < 0 {
			return 0, recordOpen
		}
		d.text = append(d.text, stretch...)
		at := from + n
		switch after, state := d.afterQuote(data, at, end); {
		case state == recordOpen:
			return 0, recordOpen
		case state == recordDone:
			return after, recordDone
		case at+1 < len(data) && data[at+1] == '"':
			d.text = append(d.text, '"')
			from = at + 2
		case at == 1:
			rest := bytes.IndexAny(data[at+1:], string([]byte{d.delimiter, d.newline}))
			if rest < 0 && !end {
				return 0, recordOpen
			}
			if rest < 0 {
				rest = len(data) - at - 1
			}
			d.text = append(d.text, data[at+1:at+1+rest]...)
			return at + 1 + rest, recordDone
		case lines > 0 || data[at-1] == d.delimiter || data[at-1] == d.newline:
			return 0, recordBroken
		default:
			d.text = append(d.text, '"')
			from = at + 1
		}
	}
}

// afterQuote says whether the quote at data[at] closes its cell: the next thing
// but blanks is a delimiter or a line break. It gives where that is.
func (d *delimited) afterQuote(data []byte, at int, end bool) (after int, state recordState) {
	for i := at + 1; i < len(data); i++ {
		switch data[i] {
		case d.delimiter, d.newline:
			return i, recordDone
		case ' ', '\r':
		default:
			return 0, recordBroken
		}
	}
	if end {
		return len(data), recordDone
	}
	return 0, recordOpen
}
