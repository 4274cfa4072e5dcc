// Package keywordfile reads exports of keyword tools for what they are: the
// bytes tell the encoding, the header line tells the delimiter, the columns'
// names tell what they hold. It streams, in a few MB of memory whatever the
// file's size. It implements commands/planner.KeywordFiles.
package keywordfile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
)

// headSize is how much of a file, in UTF-8, is looked at to recognise it.
const headSize = 256 << 10

// Reader reads keyword files. The zero value is ready, and safe for concurrent
// use; each file that it opens is not.
type Reader struct{}

// New makes a Reader.
func New() Reader { return Reader{} }

// Open recognises a file by its bytes. See planner.KeywordFiles for the contract
// and Recognition for what it tells about the file. A workbook is first copied to
// a temporary file, which Close deletes.
func (Reader) Open(name string, r io.Reader) (planner.KeywordFile, error) {
	counted := &countingReader{r: r}
	in := bufio.NewReaderSize(counted, 64<<10)
	start, err := in.Peek(sniffSize)
	if err != nil && err != io.EOF { //nolint:errorlint // bufio gives the bare io.EOF
		return nil, fmt.Errorf("reading the start of a keyword file: %w", err)
	}
	if len(bytes.TrimSpace(start)) == 0 && len(start) < sniffSize {
		return nil, es.Refuse(es.Invalid, "", "The file %q is empty. Export it again and upload the new file.", label(name))
	}
	f := &file{read: counted}
	if bytes.HasPrefix(start, []byte("PK\x03\x04")) {
		err = f.openWorkbook(name, in)
	} else if kind := binaryKind(start); kind != "" {
		err = es.Refuse(es.Invalid, "", "The file %q is %s, not a table of keywords. Save it as .csv or .xlsx and upload that.", label(name), kind)
	} else {
		err = f.openText(name, in, start)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// file is a keyword file that is being read.
type file struct {
	read  *countingReader
	rows  *window
	close func() error

	seen  Recognition
	table table
}

// openText finds encoding, delimiter and header of a text.
func (f *file) openText(name string, in *bufio.Reader, start []byte) error {
	enc := sniffEncoding(start)
	text := decoded(in, enc)
	head, err := io.ReadAll(io.LimitReader(text, headSize))
	if err != nil {
		return fmt.Errorf("reading the head of a keyword file: %w", err)
	}
	newline := byte('\n')
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		newline = '\r'
	}
	delimiter, found := findDelimiter(head, newline)
	if found.columns == nil {
		return noKeywords(name, enc, delimiter, found, looksBinary(head))
	}
	if len(found.cells) == 1 {
		delimiter = noDelimiter
	}
	lines := newDelimited(io.MultiReader(bytes.NewReader(head), text), delimiter, newline)
	lines.cut, _ = text.(interface{ Cut() bool })
	lines.utf8 = enc == utf8Plain || enc == utf8BOM
	f.rows, f.close = &window{source: lines}, func() error { return nil }
	f.seen = Recognition{Encoding: enc.String(), Delimiter: delimiterName(delimiter)}
	return f.start(found)
}

// start goes to the row after the header.
func (f *file) start(found header) error {
	for n := int64(0); n < found.index; n++ {
		if _, err := f.rows.next(); err != nil {
			return fmt.Errorf("going to the header of a keyword file: %w", err)
		}
	}
	f.seen.HeaderRow, f.seen.Header = found.row, found.cells
	f.seen.Tool = toolOf(found.cells)
	f.seen.Columns = found.columns.named(found.cells)
	f.table = newTable(found, f.rows.ahead(windowRows))
	return nil
}

// Next gives the next row of data; see planner.KeywordFile.
func (f *file) Next() (planner.KeywordRow, error) {
	for {
		r, err := f.rows.next()
		if err != nil {
			return planner.KeywordRow{}, err
		}
		if r.problem != "" {
			return planner.KeywordRow{Row: r.row, Problem: r.problem}, nil
		}
		if found, ok := f.table.another(r); ok {
			f.table = newTable(found, f.rows.ahead(windowRows))
			continue
		}
		if row, ok := f.table.keyword(r, f.ends); ok {
			return row, nil
		}
	}
}

// ends says whether nothing but a blank line, or another header, follows.
func (f *file) ends() bool {
	next := f.rows.ahead(1)
	if len(next) == 0 || next[0].blank() {
		return true
	}
	_, ok := f.table.another(next[0])
	return ok
}

// Read is how many bytes of the file were read so far; all of them where it is a
// workbook.
func (f *file) Read() int64 { return f.read.n }

// Close deletes what was kept for reading.
func (f *file) Close() error { return f.close() }

// Recognised tells a person what the file was read as.
func (f *file) Recognised() string { return f.seen.String() }

// Recognition tells what the file was read as.
func (f *file) Recognition() Recognition { return f.seen }

// Recognition is what a file was read as.
type Recognition struct {
	Tool      string // "Ahrefs"; "" where no tool is known to write such columns
	Encoding  string // "UTF-16LE"; "Excel workbook" for xlsx
	Delimiter string // "tab"; "" where lines have one cell, and for xlsx
	Sheet     string // of a workbook
	// HeaderRow is the header's place as a spreadsheet counts, from 1.
	HeaderRow int64
	Header    []string
	// Columns maps what was found ("keyword", "volume", ...) to the names of its
	// columns, the one that counts first first.
	Columns map[string][]string
}

// String is one line for a person.
func (r Recognition) String() string {
	tool := r.Tool
	if tool == "" {
		tool = "table"
	}
	parts := []string{tool, r.Encoding}
	if r.Delimiter != "" {
		parts = append(parts, r.Delimiter+"-separated")
	}
	if r.Sheet != "" {
		parts = append(parts, fmt.Sprintf("sheet %q", r.Sheet))
	}
	return strings.Join(append(parts, fmt.Sprintf("header in row %d", r.HeaderRow)), ", ")
}

// noKeywords refuses a text in which no column of keywords was found.
func noKeywords(name string, enc encoding, delimiter byte, seen header, binary bool) error {
	if binary {
		return es.Refuse(es.Invalid, "", "The file %q is binary data, not a table of keywords. Save it as .csv or .xlsx and upload that.", label(name))
	}
	read := enc.String()
	if d := delimiterName(delimiter); d != "" {
		read += ", " + d + "-separated"
	}
	return es.Refuse(es.Invalid, "", "No column of keywords was found in %q. Read as %s, row %d looks most like a header: %s. "+
		"Name the column that holds the keywords \"Keyword\" and upload the file again.", label(name), read, seen.row, quotedCells(seen.cells))
}

// quotedCells lists a header's cells for a message, shortened.
func quotedCells(cells []string) string {
	var shown []string
	for i, c := range cells {
		if i == 12 {
			shown = append(shown, fmt.Sprintf("and %d more", len(cells)-i))
			break
		}
		shown = append(shown, fmt.Sprintf("%q", shortened(c)))
	}
	if len(shown) == 0 {
		return "(no cells)"
	}
	return strings.Join(shown, ", ")
}

func shortened(s string) string {
	s = strings.ToValidUTF8(clean(s), "\uFFFD")
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// label is a file's name for a message.
func label(name string) string {
	if name = shortened(name); name == "" {
		return "file"
	}
	return name
}

// countingReader counts what was read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
