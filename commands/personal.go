package commands

import (
	"reflect"

	"github.com/igny8/igny8/domain/es"
)

// keepTokens gives an opened event the sealed forms of its personal fields, so
// that a state or row folded from it can be kept as well as answered.
func keepTokens(opened, sealed es.Event) es.Event {
	if !es.HasPersonal(reflect.TypeOf(opened)) {
		return opened
	}
	var tokens []string
	es.WithPersonal(sealed, func(_ string, p *es.Personal) { tokens = append(tokens, p.Token()) })
	return es.WithPersonal(opened, func(_ string, p *es.Personal) {
		token, text := tokens[0], p.String()
		tokens = tokens[1:]
		if token != "" && !p.IsErased() {
			p.SetSealed(token)
			p.SetOpened(text)
		}
	})
}
