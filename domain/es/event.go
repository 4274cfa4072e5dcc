// Package es is the event-sourcing kernel of the domain: events and their
// envelope, kinds of aggregates with their fold, decisions and the claims that
// live state holds, the soft-delete life cycle, and personal fields.
//
// A decision is a pure function of a state and an Env. Nothing here reads a
// clock, makes a random number or knows a context.
package es

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Event is a fact about one aggregate. It is a struct with json tags.
type Event interface {
	// EventType is the stored name with its version, a literal that never
	// derives from a Go name: "planner.keyword.created.v1".
	EventType() string
}

// Tenant says whose data it is. Account is always set; Site and Sector are zero
// where the aggregate does not belong to one.
type Tenant struct {
	Account ID
	Site    ID
	Sector  ID
}

// StreamID names one aggregate. The account is part of the key: an id that a
// client chose can never meet, or reveal, another tenant's aggregate.
type StreamID struct {
	Account ID
	Kind    string
	ID      ID
}

// String is the stream's text form, "<kind>-<account>.<id>".
func (s StreamID) String() string {
	return s.Kind + "-" + s.Account.String() + "." + s.ID.String()
}

// ParseStreamID reads the text form that String writes.
func ParseStreamID(text string) (StreamID, error) {
	kind, rest, ok := strings.Cut(text, "-")
	account, id, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || kind == "" {
		return StreamID{}, fmt.Errorf("stream %q: want <kind>-<account>.<id>", text)
	}
	var s StreamID
	s.Kind = kind
	if err := s.Account.UnmarshalText([]byte(account)); err != nil {
		return StreamID{}, fmt.Errorf("stream %q: account: %w", text, err)
	}
	if err := s.ID.UnmarshalText([]byte(id)); err != nil {
		return StreamID{}, fmt.Errorf("stream %q: id: %w", text, err)
	}
	return s, nil
}

// Envelope is what every event carries besides its data. It outlives a purge.
type Envelope struct {
	// Position is the event's place in the log: dense, gapless, in commit
	// order, from 1. The store sets it.
	Position int64
	ID       ID
	Stream   StreamID
	// Revision is the event's place in its stream, from 1: a stream's revision
	// is the number of its events, and 0 is a stream that does not exist.
	Revision int64
	// Type is the literal type name with its version.
	Type string
	// RecordedAt is set by the store and never decreases with Position.
	RecordedAt  time.Time
	Site        ID // zero: none
	Sector      ID // zero: none
	Actor       Actor
	Correlation ID
	Causation   ID // the event or command that caused this one; zero: none
	Command     ID
	Request     string // the X-Request-ID of the request; "" outside of one
	// DataHash is SHA-256(salt || data): it proves the data while it exists
	// and tells nothing about it afterwards.
	DataHash [32]byte
}

// Tenant is the envelope's account, site and sector.
func (e Envelope) Tenant() Tenant {
	return Tenant{Account: e.Stream.Account, Site: e.Site, Sector: e.Sector}
}

// Recorded is an event as the store keeps it: the envelope and the exact bytes
// of its data. After a purge Data and Salt are nil and Purged is true.
type Recorded struct {
	Envelope
	Data   []byte
	Salt   []byte // 32 random bytes
	Purged bool
}

// HashData is the DataHash of data under salt.
func HashData(salt, data []byte) [32]byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(data)
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// Env is what a decision knows of the world besides its aggregate's state. It
// goes by value.
type Env struct {
	Tenant Tenant
	Actor  Actor
	Now    time.Time
	// NewID gives ids derived from the command: the same command gives the
	// same ids again.
	NewID func() ID
	// RetentionDays is the account's retention window now, in days.
	RetentionDays int
}
