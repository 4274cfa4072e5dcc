package keywordfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const (
	// maxRecord is how many bytes a row may have; longer ones are rejected.
	maxRecord = 1 << 20
	tooLong   = "This row is longer than 1 MB. Look for a missing line break or a file glued into it."
	// maxBreaks is how many line breaks the quoted cells of a row may have, before
	// a quote counts as never closed.
	maxBreaks = 100
)

// record is one row of a file.
type record struct {
	row int64 // as a spreadsheet counts
	// cells are good until the next record is read.
	cells   []string
	problem string // why it cannot be read
}

// blank says whether there is nothing in the row.
func (r record) blank() bool {
	for _, c := range r.cells {
		if strings.TrimSpace(strings.Trim(c, "\uFEFF")) != "" {
			return false
		}
	}
	return r.problem == ""
}

// delimited splits text into records, as spreadsheets do: RFC 4180, any line
// end, and what real files do besides. A quote inside a cell that was not doubled
// is text; one that is never closed costs its own row only: reading goes on at
// the next line. A row is numbered as a spreadsheet shows it: quoted line breaks
// do not count.
type delimited struct {
	r         io.Reader
	delimiter byte
	newline   byte
	utf8      bool                    // what is not UTF-8 is Windows-1252, until UTF-8 was seen
	cut       interface{ Cut() bool } // nil where a cut cannot be seen

	buf        []byte
	start, end int // what of buf is not read yet
	err        error
	row        int64
	unicode    bool // characters of several bytes were seen
	told       bool // that the file was cut off

	cells []string
	text  []byte // a quoted record without its quotes
	ends  []int  // where its cells end in text
}

func newDelimited(r io.Reader, delimiter, newline byte) *delimited {
	return &delimited{r: r, delimiter: delimiter, newline: newline, buf: make([]byte, 64<<10)}
}

// next gives the next record, or io.EOF.
func (d *delimited) next() (record, error) {
	for {
		if n, ok := d.line(); ok {
			return d.take(n)
		}
		if d.end-d.start >= maxRecord {
			return d.skipLine()
		}
		if d.err == nil {
			d.fill()
			continue
		}
		if !errors.Is(d.err, io.EOF) {
			return record{}, fmt.Errorf("reading a keyword file after row %d: %w", d.row, d.err)
		}
		return d.lastLine()
	}
}

// line finds the end of the next line, with its line break.
func (d *delimited) line() (int, bool) {
	n := bytes.IndexByte(d.buf[d.start:d.end], d.newline)
	return n + 1, n >= 0
}

// take reads the record whose first line has n bytes.
func (d *delimited) take(n int) (record, error) {
	line := d.buf[d.start : d.start+n]
	if bytes.IndexByte(line, '"') < 0 {
		d.start += n
		return d.plain(d.trimmed(line)), nil
	}
	for {
		used, state := d.quoted(d.buf[d.start:d.end], errors.Is(d.err, io.EOF))
		switch {
		case state == recordDone:
			d.start += used
			return d.unquoted(), nil
		case state == recordOpen && d.err == nil && d.end-d.start < maxRecord:
			d.fill()
		case state == recordOpen && d.err != nil && !errors.Is(d.err, io.EOF):
			return record{}, fmt.Errorf("reading a keyword file after row %d: %w", d.row, d.err)
		default:
			d.start += n
			d.row++
			return record{row: d.row, problem: "A quote (\") is opened in this row and not closed. Close it, or double it if it belongs to the text."}, nil
		}
	}
}

// lastLine reads what follows the last line break.
func (d *delimited) lastLine() (record, error) {
	cut := d.cut != nil && d.cut.Cut() && !d.told
	if cut {
		d.told = true
		d.start = d.end
		d.row++
		return record{row: d.row, problem: "The file ends in the middle of this row: it was cut off. Export it again to get the rows from here on."}, nil
	}
	if d.start == d.end {
		return record{}, io.EOF
	}
	return d.take(d.end - d.start)
}

// skipLine rejects a line that is too long and goes to the next one.
func (d *delimited) skipLine() (record, error) {
	d.row++
	for {
		if n, ok := d.line(); ok {
			d.start += n
			break
		}
		d.start, d.end = 0, 0
		if d.err != nil {
			break
		}
		d.fill()
	}
	return record{row: d.row, problem: tooLong}, nil
}

// fill reads more, making room by moving or by growing.
func (d *delimited) fill() {
	if d.start > 0 {
		d.end = copy(d.buf, d.buf[d.start:d.end])
		d.start = 0
	}
	if d.end == len(d.buf) {
		d.buf = append(d.buf, make([]byte, len(d.buf))...)
	}
	for range 100 {
		n, err := d.r.Read(d.buf[d.end:])
		d.end += n
		d.err = err
		if n > 0 || err != nil {
			return
		}
	}
	d.err = io.ErrNoProgress
}

// trimmed is a line without its line break.
func (d *delimited) trimmed(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{d.newline})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// plain splits a line without quotes.
func (d *delimited) plain(line []byte) record {
	d.row++
	if !d.readable(line) {
		return record{row: d.row, problem: badText}
	}
	text := d.decode(line)
	d.cells = d.cells[:0]
	for {
		i := strings.IndexByte(text, d.delimiter)
		if i < 0 {
			break
		}
		d.cells = append(d.cells, text[:i])
		text = text[i+1:]
	}
	d.cells = append(d.cells, text)
	return record{row: d.row, cells: d.cells}
}

// unquoted splits what quoted took apart.
func (d *delimited) unquoted() record {
	d.row++
	if !d.readable(d.text) {
		return record{row: d.row, problem: badText}
	}
	d.cells = d.cells[:0]
	if !d.utf8 || d.unicode || utf8.Valid(d.text) {
		text, from := string(d.text), 0
		for _, end := range d.ends {
			d.cells = append(d.cells, text[from:end])
			from = end
		}
		return record{row: d.row, cells: d.cells}
	}
	from := 0
	for _, end := range d.ends {
		d.cells = append(d.cells, d.decode(d.text[from:end]))
		from = end
	}
	return record{row: d.row, cells: d.cells}
}

const badText = "This row has bytes that are no text in UTF-8, unlike the rows before it. Save the whole file as UTF-8."

// readable says whether a row's bytes can be read as text.
func (d *delimited) readable(text []byte) bool {
	if !d.utf8 {
		return true
	}
	valid := utf8.Valid(text)
	if valid && !d.unicode {
		d.unicode = utf8.RuneCount(text) < len(text)
	}
	return valid || !d.unicode
}

// decode reads bytes that are not UTF-8 as Windows-1252.
func (d *delimited) decode(text []byte) string {
	if d.utf8 && !utf8.Valid(text) {
		if s, err := charmap.Windows1252.NewDecoder().Bytes(text); err == nil {
			return string(s)
		}
	}
	return string(text)
}
