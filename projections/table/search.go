package table

import "strings"

// terms splits a search on spaces; a phrase in double quotes is one term. A
// quote that is never closed holds the rest.
func terms(search string) []string {
	var all []string
	for search = strings.TrimSpace(search); search != ""; search = strings.TrimSpace(search) {
		end, rest := " ", search
		if search[0] == '"' {
			end, rest = `"`, search[1:]
		}
		term, after, _ := strings.Cut(rest, end)
		if term = strings.TrimSpace(term); term != "" {
			all = append(all, term)
		}
		search = after
	}
	return all
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// containing is the LIKE pattern of texts that hold the term.
func containing(term string) string { return "%" + likeEscapes.Replace(term) + "%" }
