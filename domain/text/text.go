// Package text brings what people type into the forms that the domain stores
// and compares. All functions are pure, take any bytes, and change nothing when
// they are applied again to their own answer.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/igny8/igny8/domain/es"
)

// Line is the stored form of a one-line text: NFC, with runs of white space as
// one space and none at the ends.
func Line(s string) string {
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}

// Block is the stored form of a text of several lines: NFC, line ends as "\n",
// no white space at the ends.
func Block(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(s, "\r", "\n")))
}

// Fold is the form in which two texts are the same whatever their case, spaces
// and composition: the canonical caseless match of Unicode 3.13, over Line.
func Fold(s string) string {
	for range 4 { // folding can undo composition; two rounds settle all but a few.
		next := Line(cases.Fold().String(norm.NFD.String(s)))
		if next == s {
			return s
		}
		s = next
	}
	return s
}

// Slug is the form for addresses: lower-case ASCII letters and digits joined by
// single hyphens, at most most bytes long. Accents are dropped; a text without
// any Latin letter or digit gives "".
func Slug(s string, most int) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(s) {
		switch r = unicode.ToLower(r); {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	slug := b.String()
	return strings.TrimRight(slug[:min(len(slug), most)], "-")
}

// Field is the Line form of a request's field. Faults are recorded when it is
// not between least and most characters long or is not plain text.
func Field(faults es.Faults, path, s string, least, most int) string {
	return check(faults, path, s, Line(s), least, most, "")
}

// Paragraphs is the Block form of a request's field of at most most characters,
// with faults as Field records them; line breaks and tabs are plain text here.
func Paragraphs(faults es.Faults, path, s string, most int) string {
	return check(faults, path, s, Block(s), 0, most, "\n\t")
}

// isVisible says whether a character alone shows something.
func isVisible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
}

func check(faults es.Faults, path, raw, clean string, least, most int, allowed string) string {
	n := utf8.RuneCountInString(clean)
	switch {
	case !utf8.ValidString(raw):
		faults.Add(path, "This is not valid UTF-8 text.")
	case strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) }):
		faults.Add(path, "Control characters are not allowed here.")
	case n == 0 && least > 0:
		faults.Add(path, "This field is required.")
	case least > 0 && !strings.ContainsFunc(clean, isVisible):
		faults.Add(path, "There is nothing to see in this text: it has invisible characters only.")
	case n < least:
		faults.Add(path, "At least %d characters are needed.", least)
	case n > most:
		faults.Add(path, "At most %d characters fit here; these are %d.", most, n)
	}
	return clean
}
