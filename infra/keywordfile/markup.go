package keywordfile

import (
	"encoding/xml"
	"errors"
	"io"
)

// Bounds of XML. Nothing that spreadsheets write comes near them.
const (
	maxToken = 1 << 20 // bytes between two tags, or of one
	maxDepth = 64
)

var errMarkup = errors.New("XML that no spreadsheet writes")

// markup reads the XML of a workbook in bounded memory.
type markup struct {
	source *tokenSource
	xml    *xml.Decoder
	depth  int
}

func newMarkup(r io.Reader) *markup {
	source := &tokenSource{r: r}
	return &markup{source: source, xml: xml.NewDecoder(source)}
}

// next gives the next token, which is good until the one after it.
func (m *markup) next() (xml.Token, error) {
	m.source.left = maxToken
	token, err := m.xml.Token()
	if err != nil {
		return nil, err
	}
	switch token.(type) {
	case xml.StartElement:
		if m.depth++; m.depth > maxDepth {
			return nil, errMarkup
		}
	case xml.EndElement:
		m.depth--
	}
	return token, nil
}

// each calls f with each element that starts, and its attributes.
func (m *markup) each(f func(name string, attribute func(string) string)) error {
	for {
		token, err := m.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			f(start.Name.Local, func(name string) string { return attribute(start, name) })
		}
	}
}

// attribute is an element's, by its name without a prefix; that with one wins.
func attribute(e xml.StartElement, name string) string {
	value := ""
	for _, a := range e.Attr {
		if a.Name.Local == name && (value == "" || a.Name.Space != "") {
			value = a.Value
		}
	}
	return value
}

// tokenSource fails once one token has had more than its share of bytes.
type tokenSource struct {
	r    io.Reader
	left int
}

func (s *tokenSource) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errMarkup
	}
	n, err := s.r.Read(p)
	s.left -= n
	return n, err
}
