package postgres

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
)

// eventColumns are what decoder.event reads, in this order, all in binary.
const eventColumns = `l.pos, l.id, l.account_id, l.kind, l.stream_id, l.revision, l.type, l.recorded_at, l.site_id, l.sector_id,
	l.actor, l.correlation_id, l.causation_id, l.command_id, l.request_id, l.data_hash, l.data, l.salt`

// decoder reads events from rows; texts that repeat are kept once.
type decoder struct{ texts map[string]string }

const textsMost = 10_000

func newDecoder() decoder { return decoder{texts: map[string]string{}} }

func (d decoder) text(raw []byte) string {
	if kept, ok := d.texts[string(raw)]; ok {
		return kept
	}
	if len(d.texts) == textsMost {
		clear(d.texts)
	}
	kept := string(raw)
	d.texts[kept] = kept
	return kept
}

// each reads all rows, and ends with f's first error.
func (d decoder) each(rows pgx.Rows, f func(es.Recorded) error) error {
	for rows.Next() {
		e, err := d.event(rows.RawValues())
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d decoder) event(v [][]byte) (es.Recorded, error) {
	actor, err := es.ParseActor(d.text(v[10]))
	if err != nil {
		return es.Recorded{}, fmt.Errorf("event at position %d: %w", number(v[0]), err)
	}
	e := es.Recorded{Envelope: es.Envelope{
		Position: number(v[0]), ID: id(v[1]),
		Stream:   es.StreamID{Account: id(v[2]), Kind: d.text(v[3]), ID: id(v[4])},
		Revision: number(v[5]), Type: d.text(v[6]), RecordedAt: timeOf(number(v[7])),
		Site: id(v[8]), Sector: id(v[9]), Actor: actor,
		Correlation: id(v[11]), Causation: id(v[12]), Command: id(v[13]), Request: string(v[14]),
	}}
	copy(e.DataHash[:], v[15])
	if v[16] == nil {
		e.Purged = true
		return e, nil
	}
	// The row's bytes are only valid until the next row.
	both := make([]byte, 0, len(v[16])+len(v[17]))
	both = append(append(both, v[16]...), v[17]...)
	e.Data, e.Salt = both[:len(v[16]):len(v[16])], both[len(v[16]):]
	return e, nil
}

func number(raw []byte) int64 { return int64(binary.BigEndian.Uint64(raw)) } //nolint:gosec // G115: two's complement.

// id reads an id; null is the zero id.
func id(raw []byte) (id es.ID) {
	copy(id[:], raw)
	return id
}
