// Package eventstore holds what every adapter of the ports commands.Store and
// projections.Log has in common: which appends are well formed, how a filter
// matches, and the error of an append whose outcome nobody knows.
package eventstore

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/igny8/igny8/domain/es"
)

// maxClaimBytes keeps a claim within what every store can index.
const maxClaimBytes = 2000

// Validate says what is wrong with an append that no store would take: no
// events, an event of another stream or out of turn, an id twice, a text that
// is not UTF-8 or holds a NUL. It is a fault of the program, never of a user.
func Validate(a es.Append) error {
	if len(a.Events) == 0 {
		return errors.New("append: no events")
	}
	if a.Expected < 0 {
		return fmt.Errorf("append to %s: the expected revision %d is negative", a.Stream, a.Expected)
	}
	if !storable(a.Stream.Kind) || a.Stream.Kind == "" {
		return fmt.Errorf("append: the kind %q cannot be stored", a.Stream.Kind)
	}
	for i, e := range a.Events {
		if err := validateEvent(a, i, e); err != nil {
			return fmt.Errorf("append to %s: event %d: %w", a.Stream, i, err)
		}
	}
	for i, c := range a.Claims {
		if !storable(c.Scope) || c.Scope == "" {
			return fmt.Errorf("append to %s: claim %d: the scope %q cannot be stored", a.Stream, i, c.Scope)
		}
		if len(c.Scope)+len(c.Key) > maxClaimBytes {
			return fmt.Errorf("append to %s: claim %d: scope and key are longer than %d bytes", a.Stream, i, maxClaimBytes)
		}
	}
	return nil
}

func validateEvent(a es.Append, i int, e es.NewEvent) error {
	switch {
	case e.Stream != a.Stream:
		return fmt.Errorf("it belongs to the stream %s", e.Stream)
	case e.Revision != a.Expected+int64(i)+1:
		return fmt.Errorf("its revision is %d, not %d", e.Revision, a.Expected+int64(i)+1)
	case e.ID == es.ID{}:
		return errors.New("it has no id")
	case e.Type == "":
		return errors.New("it has no type")
	case !storable(e.Type) || !storable(e.Request) || !storable(string(e.Actor.Kind)):
		return errors.New("type, request id or actor cannot be stored")
	}
	for _, earlier := range a.Events[:i] {
		if earlier.ID == e.ID {
			return fmt.Errorf("the id %s occurs twice", e.ID)
		}
	}
	return nil
}

func storable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// Matches says whether the filter picks the event.
func Matches(f es.Filter, e es.Envelope) bool {
	for _, id := range [][2]es.ID{
		{f.Account, e.Stream.Account},
		{f.Site, e.Site},
		{f.Sector, e.Sector},
		{f.Aggregate, e.Stream.ID},
		{f.Correlation, e.Correlation},
	} {
		if id[0] != (es.ID{}) && id[0] != id[1] {
			return false
		}
	}
	for _, text := range [][2]string{{f.Kind, e.Stream.Kind}, {f.Actor.String(), e.Actor.String()}, {f.Request, e.Request}} {
		if text[0] != "" && text[0] != text[1] {
			return false
		}
	}
	if e.RecordedAt.Before(f.Since) || !f.Until.IsZero() && !e.RecordedAt.Before(f.Until) {
		return false
	}
	return matchesType(f, e)
}

func matchesType(f es.Filter, e es.Envelope) bool {
	if len(f.Types) == 0 {
		return true
	}
	for _, t := range f.Types {
		prefix, isPrefix := strings.CutSuffix(t, "*")
		if t == e.Type || isPrefix && strings.HasPrefix(e.Type, prefix) {
			return true
		}
	}
	return false
}

// ErrEventIDTaken is the cause of a refusal (es.Conflict) of an append whose
// event ids are stored in another stream. Nothing of the append was written,
// and no repeat of it ever will be.
var ErrEventIDTaken = errors.New("an event id of the append is stored in another stream")

// EventIDTaken is the refusal of an append because of ErrEventIDTaken.
func EventIDTaken(stream es.StreamID) error {
	return &es.Error{
		Class: es.Conflict, Code: "event_id_taken", Message: "The command was already used for something else.",
		Err: fmt.Errorf("append to %s: %w", stream, ErrEventIDTaken),
	}
}

// ErrUnknownOutcome is the cause of an error (es.Unavailable) of an append that
// was sent and never answered: it may be stored or not. The same append may be
// sent again; its event ids make sure that it happens once.
var ErrUnknownOutcome = errors.New("the outcome of the append is unknown")

// UnknownOutcome is the error of an append that was given up because of cause
// after it was sent.
func UnknownOutcome(cause error) error {
	return &es.Error{
		Class: es.Unavailable, Code: "outcome_unknown",
		Message: "It is not known whether this was saved. Repeat the request with the same Idempotency-Key.",
		Err:     errors.Join(ErrUnknownOutcome, cause),
	}
}
