// Package bus runs reactions on Watermill: it turns events into messages and
// back, and wraps each consumer group's handler in what every group needs. How
// the messages come is an adapter's matter: infra/bus/store takes them from the
// log itself. One contract suite (infra/bus/bustest) says what each must do.
package bus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/igny8/igny8/domain/es"
)

// topicPrefix begins every topic; the rest is a module's name.
const topicPrefix = "igny8.events."

// Topic is where events of a type go: "igny8.events.planner" for
// "planner.keyword.created.v1".
func Topic(eventType string) string {
	module, _, _ := strings.Cut(eventType, ".")
	return topicPrefix + module
}

// Topics are where events of the types come from. A type is literal or a
// beginning that ends in "*"; one that does not name a whole module ("*",
// "pla*") picks among modules.
func Topics(types, modules []string) []string {
	var topics []string
	for _, t := range types {
		if prefix, isPrefix := strings.CutSuffix(t, "*"); isPrefix && !strings.Contains(prefix, ".") {
			for _, m := range modules {
				if strings.HasPrefix(m, prefix) {
					topics = append(topics, topicPrefix+m)
				}
			}
			continue
		}
		topics = append(topics, Topic(t))
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// Metadata keys. They are CloudEvents attributes as the Kafka binding's binary
// mode spells them in headers, so that a Kafka adapter copies them as they are.
const (
	keySpec        = "ce_specversion"
	keyID          = "ce_id"
	keySource      = "ce_source"
	keyType        = "ce_type"
	keyTime        = "ce_time"
	keySubject     = "ce_subject"      // the stream
	keyPartition   = "ce_partitionkey" // the aggregate's id
	keyAccount     = "ce_accountid"
	keySite        = "ce_siteid"
	keySector      = "ce_sectorid"
	keyPosition    = "ce_position"
	keyRevision    = "ce_revision"
	keyActor       = "ce_actor"
	keyCorrelation = "ce_correlationid"
	keyCausation   = "ce_causationid"
	keyCommand     = "ce_commandid"
	keyRequest     = "ce_requestid"
	keyHash        = "ce_datahash"
	keySalt        = "ce_salt"
	keyPurged      = "ce_purged"
	keyContent     = "content-type"

	// ReplayKey is set on a dead letter that comes again because somebody asked
	// for it, out of the order of its aggregate's events.
	ReplayKey = "igny8_replay"
)

// Message is an event as a message: its id, the exact bytes of its data, and the
// envelope in the metadata.
func Message(rec es.Recorded) *message.Message {
	m := message.NewMessage(rec.ID.String(), rec.Data)
	set := m.Metadata
	set[keySpec], set[keyContent], set[keySource] = "1.0", "application/json", "igny8"
	set[keyID], set[keyType] = m.UUID, rec.Type
	set[keyTime] = rec.RecordedAt.UTC().Format(time.RFC3339Nano)
	set[keySubject], set[keyPartition] = rec.Stream.String(), rec.Stream.ID.String()
	set[keyAccount] = rec.Stream.Account.String()
	set[keyPosition], set[keyRevision] = strconv.FormatInt(rec.Position, 10), strconv.FormatInt(rec.Revision, 10)
	set[keyActor] = rec.Actor.String()
	set[keyHash] = hex.EncodeToString(rec.DataHash[:])
	for key, id := range map[string]es.ID{
		keySite: rec.Site, keySector: rec.Sector, keyCorrelation: rec.Correlation, keyCausation: rec.Causation, keyCommand: rec.Command,
	} {
		if id != (es.ID{}) {
			set[key] = id.String()
		}
	}
	if rec.Request != "" {
		set[keyRequest] = rec.Request
	}
	if rec.Purged {
		set[keyPurged] = "true"
	} else {
		set[keySalt] = hex.EncodeToString(rec.Salt)
	}
	return m
}

// Recorded is the event that Message made a message of.
func Recorded(m *message.Message) (es.Recorded, error) {
	r := reader{metadata: m.Metadata}
	rec := es.Recorded{Envelope: es.Envelope{
		Position: r.number(keyPosition), ID: r.id(keyID), Revision: r.number(keyRevision), Type: r.metadata[keyType],
		Site: r.id(keySite), Sector: r.id(keySector), Correlation: r.id(keyCorrelation), Causation: r.id(keyCausation),
		Command: r.id(keyCommand), Request: r.metadata[keyRequest],
	}}
	var err error
	rec.Stream, err = es.ParseStreamID(r.metadata[keySubject])
	r.failed(keySubject, err)
	rec.Actor, err = es.ParseActor(r.metadata[keyActor])
	r.failed(keyActor, err)
	rec.RecordedAt, err = time.Parse(time.RFC3339Nano, r.metadata[keyTime])
	r.failed(keyTime, err)
	copy(rec.DataHash[:], r.bytes(keyHash))
	if r.metadata[keyPurged] == "true" {
		rec.Purged = true
	} else {
		rec.Data, rec.Salt = m.Payload, r.bytes(keySalt)
	}
	if err := errors.Join(r.errs...); err != nil {
		return es.Recorded{}, fmt.Errorf("message %s is no event: %w", m.UUID, err)
	}
	return rec, nil
}

// reader reads metadata and collects what is wrong with it.
type reader struct {
	metadata message.Metadata
	errs     []error
}

func (r *reader) failed(key string, err error) {
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", key, err))
	}
}

func (r *reader) number(key string) int64 {
	n, err := strconv.ParseInt(r.metadata[key], 10, 64)
	r.failed(key, err)
	return n
}

func (r *reader) id(key string) (id es.ID) {
	if text := r.metadata[key]; text != "" {
		r.failed(key, id.UnmarshalText([]byte(text)))
	}
	return id
}

func (r *reader) bytes(key string) []byte {
	b, err := hex.DecodeString(r.metadata[key])
	r.failed(key, err)
	return b
}
