package readapi

import (
	"net/http"
	"slices"
	"strings"
)

// Routed lists what Echo really serves, as Mounted does: without HEAD, and
// without the form that lacks the last slash.
func (a *API) Routed() []string {
	var all []string
	for _, r := range a.echo.Routes() {
		words := strings.Split(r.Path, "/")
		for i, word := range words {
			if name, ok := strings.CutPrefix(word, ":"); ok {
				words[i] = "{" + name + "}"
			}
		}
		if r.Method != http.MethodHead {
			all = append(all, r.Method+" "+strings.Join(words, "/"))
		}
	}
	return slices.DeleteFunc(all, func(line string) bool { return slices.Contains(all, line+"/") })
}

// Stages names the steps of a request in order.
func (a *API) Stages() []string {
	var names []string
	for _, s := range a.chain() {
		names = append(names, s.name)
	}
	return names
}
