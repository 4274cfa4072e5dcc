package keywordfile

import "strings"

// isFormula says whether a spreadsheet that opens an export of ours could run a
// text: "=" before anything, or "+", "-", "@" before something that calls
// ("@SUM(1)", "-2+3+cmd|' /C calc'!A0"). Operators of search such as "-site:x" or
// "+coffee" are no formulas.
func isFormula(s string) bool {
	s = strings.TrimLeft(s, " '")
	if s == "" {
		return false
	}
	rest := s[1:]
	switch s[0] {
	case '=':
		return rest != ""
	case '+', '-', '@':
		return strings.Contains(rest, "|") || nameBefore(rest, '(') || nameBefore(rest, '!') && !strings.HasSuffix(rest, "!")
	default:
		return strings.HasPrefix(s, "＝") && len(s) > len("＝")
	}
}

// nameBefore says whether a name ends right before the first such mark.
func nameBefore(s string, mark byte) bool {
	i := strings.IndexByte(s, mark)
	return i > 0 && isName(s[i-1])
}

func isName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '.'
}
