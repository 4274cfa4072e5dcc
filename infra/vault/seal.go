package vault

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Seal replaces the personal texts of an event by sealed forms that open only
// in this account, stream, revision, type and field. The subject is the event's
// own aggregate, or whom es.Subjected names; its key is made when there is
// none. Sealing anew gives other tokens. It refuses an erased subject
// (es.Conflict, "erased") and a field that comes sealed already: sealed forms
// belong to the place where they were made.
func (v *Vault) Seal(ctx context.Context, envelope es.Envelope, e es.Event) (es.Event, error) {
	if !v.hasPersonal(e) {
		return e, nil
	}
	if !strings.HasPrefix(envelope.Type, envelope.Stream.Kind+".") {
		return nil, fmt.Errorf("sealing %s: the type is not of the stream's kind %s", envelope.Type, envelope.Stream.Kind)
	}
	texts, foreign := false, ""
	es.WithPersonal(e, func(path string, p *es.Personal) {
		switch {
		case unopened(*p):
			foreign = path
		case !p.IsErased() && p.String() != "":
			texts = true
		}
	})
	if foreign != "" {
		return nil, fmt.Errorf("sealing %s: the field %s is sealed already", envelope.Type, foreign)
	}
	if !texts {
		return e, nil
	}
	b := bound{
		account: envelope.Stream.Account, stream: envelope.Stream.ID, subject: subjectOf(envelope, e),
		revision: envelope.Revision, typ: envelope.Type,
	}
	keys, err := v.sealingKeys(ctx, b.account, []es.ID{b.subject})
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", envelope.Type, err)
	}
	key := keys[b.subject]
	if key == nil {
		return nil, es.Refuse(es.Conflict, es.Erased, "This person's data was erased, and nothing can be added to it.")
	}
	return es.WithPersonal(e, func(path string, p *es.Personal) {
		if p.IsErased() || p.String() == "" {
			return
		}
		b.field = path
		p.SetSealed(formatToken(b, encrypt(key.aead, []byte(p.String()), b.data())))
	}), nil
}

// Open gives events of one account with their personal fields in the clear, or
// erased where the key is destroyed, or where a field was found in an event or
// field that it was not sealed for. It reads all missing keys at once and fails
// only when that fails.
func (v *Vault) Open(ctx context.Context, account es.ID, events []es.Event) ([]es.Event, error) {
	found := make([]commands.Written, len(events))
	for i, e := range events {
		found[i].Event = e
		if e != nil {
			found[i].Type = e.EventType()
		}
		found[i].Stream.Account = account
	}
	return v.OpenWritten(ctx, account, found)
}

// OpenWritten is Open for events whose envelopes are known: a field must also
// be in the stream and revision that it was sealed for. Zero parts of an
// envelope are not compared.
func (v *Vault) OpenWritten(ctx context.Context, account es.ID, found []commands.Written) ([]es.Event, error) {
	var subjects []es.ID
	for _, f := range found {
		if f.Event == nil || !v.hasPersonal(f.Event) {
			continue
		}
		es.WithPersonal(f.Event, func(_ string, p *es.Personal) { subjects = appendSubject(subjects, account, p) })
	}
	keys, err := v.keys(ctx, account, distinct(subjects))
	if err != nil {
		return nil, err
	}
	opened := make([]es.Event, len(found))
	for i, f := range found {
		opened[i] = f.Event
		if f.Event == nil || !v.hasPersonal(f.Event) {
			continue
		}
		want := bound{account: f.Stream.Account, stream: f.Stream.ID, revision: f.Revision, typ: f.Type}
		opened[i] = es.WithPersonal(f.Event, func(path string, p *es.Personal) {
			want.field = path
			v.open(ctx, account, keys, want, p)
		})
	}
	return opened, nil
}

// OpenFields opens fields of one account in place, or marks them erased. It
// reads all missing keys at once and fails only when that fails; then nothing
// was changed.
func (v *Vault) OpenFields(ctx context.Context, account es.ID, fields []*es.Personal) error {
	var subjects []es.ID
	for _, p := range fields {
		subjects = appendSubject(subjects, account, p)
	}
	keys, err := v.keys(ctx, account, distinct(subjects))
	if err != nil {
		return err
	}
	for _, p := range fields {
		v.open(ctx, account, keys, bound{account: account}, p)
	}
	return nil
}

func (v *Vault) open(ctx context.Context, account es.ID, keys map[es.ID]*subjectKey, want bound, p *es.Personal) {
	if !unopened(*p) {
		return
	}
	b, sealed, err := parseToken(account, p.Token())
	if err != nil || !b.fits(want) {
		v.misplaced(ctx, account, want, "it was sealed for another place")
		p.SetErased()
		return
	}
	key := keys[b.subject]
	if key == nil {
		p.SetErased()
		return
	}
	text, err := decrypt(key.aead, sealed, b.data())
	if err != nil {
		v.misplaced(ctx, account, want, "it does not decrypt here")
		p.SetErased()
		return
	}
	p.SetOpened(string(text))
}

func (v *Vault) misplaced(ctx context.Context, account es.ID, want bound, why string) {
	v.log.LogAttrs(ctx, slog.LevelWarn, "a sealed field was not opened", slog.String("why", why),
		slog.String("account", account.String()), slog.String("stream", want.stream.String()),
		slog.Int64("revision", want.revision), slog.String("type", want.typ), slog.String("field", want.field))
}

func (v *Vault) hasPersonal(e es.Event) bool {
	t := reflect.TypeOf(e)
	if known, ok := v.sorts.Load(t); ok {
		has, _ := known.(bool)
		return has
	}
	has := es.HasPersonal(t)
	v.sorts.Store(t, has)
	return has
}

func subjectOf(envelope es.Envelope, e es.Event) es.ID {
	if s, ok := e.(es.Subjected); ok {
		return s.Subject()
	}
	return envelope.Stream.ID
}

// unopened says that the value is a sealed form whose text is not known yet.
func unopened(p es.Personal) bool { return p.Token() != "" && p.Equal(es.Personal{}) }

func appendSubject(subjects []es.ID, account es.ID, p *es.Personal) []es.ID {
	if !unopened(*p) {
		return subjects
	}
	b, _, err := parseToken(account, p.Token())
	if err != nil {
		return subjects
	}
	return append(subjects, b.subject)
}

func distinct(ids []es.ID) []es.ID {
	seen := make(map[es.ID]bool, len(ids))
	out := ids[:0]
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
