package keywordfile

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

const (
	maxTexts = 1 << 21 // how many texts cells may share
	maxCell  = 32767   // bytes of a cell that are read; no spreadsheet takes more characters
)

// texts are those that the cells of a workbook share, kept in a file.
type texts struct {
	file *os.File
	ends []uint32 // where each one ends; all are shorter than what may be unpacked
}

// readTexts copies the texts to a file in the folder.
func readTexts(r io.Reader, folder string) (t *texts, err error) {
	file, err := os.CreateTemp(folder, "texts-")
	if err != nil {
		return nil, fmt.Errorf("making a file for a workbook's texts: %w", err)
	}
	t = &texts{file: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	out := bufio.NewWriterSize(file, 64<<10)
	m, end := newMarkup(r), 0
	for {
		token, err := m.next()
		if errors.Is(err, io.EOF) {
			return t, out.Flush()
		}
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "si" {
			text, err := m.text()
			if err != nil {
				return nil, err
			}
			n, err := out.WriteString(text)
			if err != nil {
				return nil, fmt.Errorf("keeping a workbook's texts: %w", err)
			}
			end += n
			t.ends = append(t.ends, uint32(end)) //nolint:gosec // G115: less than maxUnpacked.
			if len(t.ends) > maxTexts {
				return nil, errMarkup
			}
		}
	}
}

// at is a text by its number, "" where there is none.
func (t *texts) at(number string) (string, error) {
	i, err := strconv.Atoi(number)
	if err != nil || t == nil || i < 0 || i >= len(t.ends) {
		return "", nil //nolint:nilerr // a cell without a text.
	}
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	text := make([]byte, t.ends[i]-from)
	if _, err := t.file.ReadAt(text, int64(from)); err != nil {
		return "", fmt.Errorf("reading a workbook's text: %w", err)
	}
	return string(text), nil
}

func (t *texts) close() error {
	if t == nil {
		return nil
	}
	return t.file.Close()
}

// text is that of the element which was just begun, without how it is read
// aloud. It goes behind the element's end, and keeps maxCell bytes.
func (m *markup) text() (string, error) {
	var text []byte
	inside, taken, aloud := m.depth, 0, 0
	for m.depth >= inside {
		token, err := m.next()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch {
			case token.Name.Local == "rPh" && aloud == 0:
				aloud = m.depth
			case token.Name.Local == "t" && taken == 0 && aloud == 0:
				taken = m.depth
			}
		case xml.EndElement:
			if m.depth < taken {
				taken = 0
			}
			if m.depth < aloud {
				aloud = 0
			}
		case xml.CharData:
			if taken > 0 {
				text = append(text, token[:min(len(token), maxCell-len(text))]...)
			}
		}
	}
	return unescaped(string(text)), nil
}

// value is the characters of the element which was just begun.
func (m *markup) value() (string, error) {
	var text []byte
	for inside := m.depth; m.depth >= inside; {
		token, err := m.next()
		if err != nil {
			return "", err
		}
		if chars, ok := token.(xml.CharData); ok {
			text = append(text, chars[:min(len(chars), maxCell-len(text))]...)
		}
	}
	return string(text), nil
}

// escaped is how workbooks write what XML cannot: _x000D_.
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescaped(text string) string {
	return escaped.ReplaceAllStringFunc(text, func(code string) string {
		n, err := strconv.ParseUint(code[2:6], 16, 16)
		if err != nil {
			return code
		}
		return string(rune(n))
	})
}
