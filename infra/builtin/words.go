package builtin

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/kljensen/snowball/english"

	"github.com/igny8/igny8/domain/text"
)

// words are the words of a phrase, folded: letters and digits belong together,
// each character of a script without spaces is a word of its own.
func words(phrase string) []string {
	var all []string
	start := -1
	folded := text.Fold(norm.NFKC.String(phrase))
	for i, r := range folded {
		switch {
		case unspaced(r):
			if start >= 0 {
				all = append(all, folded[start:i])
				start = -1
			}
			all = append(all, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		case start >= 0 && (r == '\'' || r == '’'): // "don't" is one word, of its letters.
		case start >= 0:
			all = append(all, folded[start:i])
			start = -1
		}
	}
	if start >= 0 {
		all = append(all, folded[start:])
	}
	for i, w := range all {
		all[i] = strings.NewReplacer("'", "", "’", "").Replace(w)
	}
	return all
}

// unspaced says that a script writes no spaces between words.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// stem is a word without its endings. It knows English; words in other letters
// stay as they are, and their trigrams tell what they share.
func stem(word string) string {
	for i := range len(word) {
		if word[i] >= 0x80 {
			return word
		}
	}
	return english.Stem(word, false)
}
