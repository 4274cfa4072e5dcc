package keywordfile

import "strings"

// isFormula says whether a spreadsheet that opens an export of ours could run a
// text: "=" before anything, or "+", "-", "@" before something that calls
// ("@SUM(1)", "-2+3+cmd|' /C calc'!A0"). Operators of search such as "-site:x" or
// "+coffee" are no formulas.
func isFormula(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n\u00A0\uFEFF'")
	if s == "" {
		return false
	}
	rest := s[1:]
	switch s[0] {
	case '=':
		return rest != "" && rest[0] != ' '
	case '+', '-', '@':
		if strings.ContainsAny(rest, "|!") && !strings.Contains(rest, " ") || strings.Contains(rest, "|'") || strings.Contains(rest, "'!") {
			return true
		}
		call := strings.IndexByte(rest, '(')
		return call > 0 && isName(rest[call-1])
	default:
		return false
	}
}

func isName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '.'
}
