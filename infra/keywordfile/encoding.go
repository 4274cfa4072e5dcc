package keywordfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// encoding is how a file's bytes stand for text.
type encoding int

const (
	utf8Plain encoding = iota
	utf8BOM
	utf16LE
	utf16BE
	windows1252
)

// sniffSize is how many of the first bytes tell the encoding.
const sniffSize = 32 << 10

func (e encoding) String() string {
	switch e {
	case utf16LE:
		return "UTF-16LE"
	case utf16BE:
		return "UTF-16BE"
	case windows1252:
		return "Windows-1252"
	default:
		return "UTF-8"
	}
}

// sniffEncoding goes by byte-order marks, then by where NULs stand, then by
// whether most of what is not ASCII is UTF-8.
func sniffEncoding(start []byte) encoding {
	switch {
	case bytes.HasPrefix(start, []byte("\xEF\xBB\xBF")):
		return utf8BOM
	case bytes.HasPrefix(start, []byte("\xFF\xFE")):
		return utf16LE
	case bytes.HasPrefix(start, []byte("\xFE\xFF")):
		return utf16BE
	}
	var nuls [2]int
	for i, b := range start {
		if b == 0 {
			nuls[i%2]++
		}
	}
	units := max(len(start)/2, 1)
	switch {
	case nuls[1]*10 >= units && nuls[0]*50 <= units:
		return utf16LE
	case nuls[0]*10 >= units && nuls[1]*50 <= units:
		return utf16BE
	}
	good, bad := 0, 0
	for i := 0; i < len(start); {
		r, size := utf8.DecodeRune(start[i:])
		switch {
		case r == utf8.RuneError && size == 1 && utf8.FullRune(start[i:]):
			bad++
		case size > 1:
			good++
		}
		i += size
	}
	if bad > good {
		return windows1252
	}
	return utf8Plain
}

// binaryKind names what a file is, if its first bytes say that it is no text.
func binaryKind(start []byte) string {
	for _, magic := range []struct{ prefix, kind string }{
		{"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls) or another old Office file"},
		{"%PDF-", "a PDF"},
		{"\x1F\x8B", "a gzip archive"},
		{"7z\xBC\xAF", "a 7z archive"},
		{"Rar!", "a RAR archive"},
		{"\x89PNG", "an image"},
		{"\xFF\xD8\xFF", "an image"},
		{"GIF8", "an image"},
		{"\x7FELF", "a program"},
		{"SQLite format 3", "a database"},
		{"PAR1", "a Parquet file"},
		{"\xFF\xFE\x00\x00", "text in UTF-32"},
		{"\x00\x00\xFE\xFF", "text in UTF-32"},
	} {
		if bytes.HasPrefix(start, []byte(magic.prefix)) {
			return magic.kind
		}
	}
	return ""
}

// looksBinary says whether text without a header is no text at all.
func looksBinary(text []byte) bool {
	control := 0
	for _, b := range text {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' {
			control++
		}
	}
	return control*100 > len(text)
}

// decoded gives text in UTF-8 without a byte-order mark. Bad UTF-8 passes: its
// row is known only later.
func decoded(r io.Reader, e encoding) io.Reader {
	switch e {
	case utf8BOM:
		return &skipReader{r: r, skip: 3}
	case utf16LE:
		return &utf16Reader{r: r, order: binary.LittleEndian, first: true}
	case utf16BE:
		return &utf16Reader{r: r, order: binary.BigEndian, first: true}
	case windows1252:
		return charmap.Windows1252.NewDecoder().Reader(r)
	default:
		return r
	}
}

// skipReader leaves out the first bytes.
type skipReader struct {
	r    io.Reader
	skip int64
}

func (s *skipReader) Read(p []byte) (int, error) {
	if s.skip > 0 {
		n := s.skip
		s.skip = 0
		if _, err := io.CopyN(io.Discard, s.r, n); err != nil {
			return 0, err
		}
	}
	return s.r.Read(p)
}

// utf16Reader turns UTF-16 into UTF-8. A surrogate without its other half comes
// as U+FFFD.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	first bool // nothing came yet: a byte-order mark is none of the text
	cut   bool

	raw  [16 << 10]byte
	have int    // bytes in raw
	out  []byte // what is decoded and not given yet
	text []byte // what out is a part of
	err  error
}

// Cut says whether the file ended in the middle of a character.
func (u *utf16Reader) Cut() bool { return u.cut }

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.raw[u.have:])
		u.have += n
		u.err = err
		u.decode(errors.Is(err, io.EOF))
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// decode turns the whole characters in raw into text and keeps the rest.
func (u *utf16Reader) decode(end bool) {
	u.text = u.text[:0]
	i := 0
	for ; i+1 < u.have; i += 2 {
		unit := rune(u.order.Uint16(u.raw[i:]))
		if u.first {
			u.first = false
			if unit == '\uFEFF' {
				continue
			}
		}
		switch {
		case unit < utf8.RuneSelf:
			u.text = append(u.text, byte(unit))
		case !utf16.IsSurrogate(unit):
			u.text = utf8.AppendRune(u.text, unit)
		case i+3 < u.have:
			pair := utf16.DecodeRune(unit, rune(u.order.Uint16(u.raw[i+2:])))
			if pair != utf8.RuneError {
				i += 2
			}
			u.text = utf8.AppendRune(u.text, pair)
		case end:
			u.cut = true
		default:
			u.keep(i)
			return
		}
	}
	if end && i < u.have {
		u.cut = true
	}
	u.keep(i)
}

func (u *utf16Reader) keep(from int) {
	u.out = u.text
	u.have = copy(u.raw[:], u.raw[from:u.have])
}
