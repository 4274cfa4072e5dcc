package estest

import (
	"fmt"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// stored is the event as it comes back from a store: encoded and decoded, its
// personal fields sealed and opened. A kind that cannot do so is a mistake in
// the program, and panics.
func stored(kind es.AnyKind, e es.Event) es.Event {
	if e == nil {
		return nil
	}
	sealed := es.WithPersonal(e, func(_ string, p *es.Personal) {
		if !p.IsZero() {
			p.SetSealed(es.SealedPrefix + p.String())
		}
	})
	data, err := es.Encode(sealed)
	if err != nil {
		panic(fmt.Sprintf("estest: %v", err))
	}
	back, err := es.NewRegistry(kind).Decode(es.Recorded{Envelope: es.Envelope{Type: kind.TypeName(e)}, Data: data})
	if err != nil {
		panic(fmt.Sprintf("estest: %v", err))
	}
	return es.WithPersonal(back, func(_ string, p *es.Personal) {
		if token := p.Token(); token != "" {
			p.SetOpened(strings.TrimPrefix(token, es.SealedPrefix))
		}
	})
}

// opened is the event with its personal fields as their texts alone.
func opened(e es.Event) es.Event {
	return es.WithPersonal(e, func(_ string, p *es.Personal) { *p = es.NewPersonal(p.String()) })
}
