package builtin

import (
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"golang.org/x/text/unicode/norm"

	"github.com/igny8/igny8/domain/text"
)

// word is a word of a phrase: as it is written there, and as it is compared.
type word struct {
	written, folded string
	// joined says that no space is before it, as within a run of a script that
	// is written without spaces.
	joined bool
}

// marks are not words, but Unicode's compatibility forms would make letters of
// them.
var marks = strings.NewReplacer("™", " ", "®", " ", "©", " ", "℠", " ")

// wordsOf are the words of a phrase: runs of letters and digits, and each
// character of a script without spaces. An apostrophe within a word is part of
// it. Bytes that are no UTF-8 count as spaces.
func wordsOf(phrase string) []word {
	phrase = norm.NFKC.String(marks.Replace(strings.ToValidUTF8(phrase, " ")))
	var all []word
	start, apart := -1, true
	end := func(at int) {
		if start >= 0 {
			all = add(all, strings.TrimRight(phrase[start:at], "'’"), !apart)
			start, apart = -1, false
		}
	}
	for i, r := range phrase {
		switch {
		case unspaced(r):
			end(i)
			all = add(all, string(r), !apart)
			apart = false
		case unicode.IsMark(r) && start < 0 && len(all) > 0 && !apart:
			all[len(all)-1].written += string(r)
			all[len(all)-1].folded = folded(all[len(all)-1].written)
		case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		case start >= 0 && (r == '\'' || r == '’'):
		default:
			end(i)
			apart = true
		}
	}
	end(len(phrase))
	return all
}

func add(all []word, written string, joined bool) []word {
	if f := folded(written); f != "" {
		all = append(all, word{written, f, joined && len(all) > 0})
	}
	return all
}

// words are a phrase's words as they are compared.
func words(phrase string) []string {
	all := wordsOf(phrase)
	folded := make([]string, len(all))
	for i, w := range all {
		folded[i] = w.folded
	}
	return folded
}

// folded is a word whatever its case, apostrophes and accents: people type
// "cafe" for "café", and "καφες" for "καφές".
func folded(written string) string {
	for i := range len(written) {
		if written[i] >= 0x80 {
			return strings.Map(bare, norm.NFC.String(strings.Map(bare, norm.NFD.String(text.Fold(written)))))
		}
	}
	return strings.Map(bare, strings.ToLower(written))
}

// bare drops apostrophes and the combining marks of Latin, Greek and Cyrillic
// letters (Unicode's block from U+0300 to U+036F); Turkish ı is an i.
func bare(r rune) rune {
	switch {
	case r == '\'', r == '’', r >= 0x300 && r <= 0x36f:
		return -1
	case r == 'ı':
		return 'i'
	}
	return r
}

// unspaced says that a script writes no spaces between words.
func unspaced(r rune) bool {
	return r >= 0xe00 && (r == 'ー' ||
		unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) && unicode.IsLetter(r))
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
