package table

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresEpoch is what Postgres counts the microseconds of a time from.
const postgresEpoch = 946684800 * 1_000_000

// appendField appends the column's field in Postgres's binary form with its
// length before it, as COPY and arrays both have it.
func (c *column) appendField(buf []byte, row reflect.Value) ([]byte, error) {
	v, ok := c.value(row)
	if !ok {
		return append(buf, 0xff, 0xff, 0xff, 0xff), nil
	}
	at := len(buf)
	buf, err := c.appendValue(append(buf, 0, 0, 0, 0), v)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", c.Name, err)
	}
	binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4)) //nolint:gosec // G115: a field is far under 4 GB.
	return buf, nil
}

func (c *column) appendValue(buf []byte, v reflect.Value) ([]byte, error) {
	switch c.Type {
	case Text:
		if c.Personal {
			p, _ := v.Interface().(es.Personal)
			token, err := p.Value()
			if err != nil {
				return nil, err
			}
			return fmt.Append(buf, token), nil
		}
		return append(buf, v.String()...), nil
	case Integer:
		return binary.BigEndian.AppendUint64(buf, uint64(v.Int())), nil //nolint:gosec // G115: the same bits.
	case Number:
		return binary.BigEndian.AppendUint64(buf, math.Float64bits(v.Float())), nil
	case Boolean:
		if v.Bool() {
			return append(buf, 1), nil
		}
		return append(buf, 0), nil
	case UUID:
		return appendID(buf, v), nil
	case Time:
		at, _ := v.Interface().(time.Time)
		return binary.BigEndian.AppendUint64(buf, uint64(at.UnixMicro()-postgresEpoch)), nil //nolint:gosec // G115: the same bits.
	case List, JSON:
		data, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, err
		}
		return append(append(buf, 1), data...), nil
	default:
		return nil, fmt.Errorf("no binary form of %s", c.Type)
	}
}

func appendID(buf []byte, v reflect.Value) []byte {
	if v.CanAddr() {
		id, _ := v.Addr().Interface().(*es.ID)
		return append(buf, id[:]...)
	}
	id, _ := v.Interface().(es.ID)
	return append(buf, id[:]...)
}

// setField reads what Postgres sent into the column's field.
func (c *column) setField(row reflect.Value, raw []byte, format int16) error {
	f := row.FieldByIndex(c.index)
	switch {
	case raw == nil && c.Nullable:
		f.SetZero()
		return nil
	case raw == nil:
		return fmt.Errorf("column %s: null", c.Name)
	case c.Nullable:
		f.Set(reflect.New(c.elem))
		f = f.Elem()
	}
	if err := c.setValue(f, raw, format); err != nil {
		return fmt.Errorf("column %s: %w", c.Name, err)
	}
	return nil
}

func (c *column) setValue(f reflect.Value, raw []byte, format int16) error {
	if c.Type == List || c.Type == JSON {
		if format == pgx.BinaryFormatCode {
			raw = raw[1:]
		}
		return json.Unmarshal(raw, f.Addr().Interface())
	}
	if c.Type == Text {
		if p, ok := f.Addr().Interface().(*es.Personal); ok {
			return p.Scan(string(raw))
		}
		f.SetString(string(raw))
		return nil
	}
	if format != pgx.BinaryFormatCode || len(raw) != c.size() {
		return fmt.Errorf("not the binary form of %s", c.Type)
	}
	switch c.Type { //nolint:exhaustive // the rest is above
	case Integer:
		f.SetInt(int64(binary.BigEndian.Uint64(raw))) //nolint:gosec // G115: the same bits.
	case Number:
		f.SetFloat(math.Float64frombits(binary.BigEndian.Uint64(raw)))
	case Boolean:
		f.SetBool(raw[0] != 0)
	case UUID:
		id, _ := f.Addr().Interface().(*es.ID)
		copy(id[:], raw)
	case Time:
		micros := int64(binary.BigEndian.Uint64(raw)) + postgresEpoch //nolint:gosec // G115: the same bits.
		at, _ := f.Addr().Interface().(*time.Time)
		*at = time.UnixMicro(micros).UTC()
	}
	return nil
}

// size is the length of a value, where the type has a fixed one.
func (c *column) size() int {
	switch c.Type {
	case Boolean:
		return 1
	case UUID:
		return 16
	default:
		return 8
	}
}

// oids are the types of the column and of an array of it.
func (c *column) oids() (element, array uint32) {
	switch c.Type {
	case Text:
		return pgtype.TextOID, pgtype.TextArrayOID
	case Integer:
		return pgtype.Int8OID, pgtype.Int8ArrayOID
	case Number:
		return pgtype.Float8OID, pgtype.Float8ArrayOID
	case Boolean:
		return pgtype.BoolOID, pgtype.BoolArrayOID
	case UUID:
		return pgtype.UUIDOID, pgtype.UUIDArrayOID
	case Time:
		return pgtype.TimestamptzOID, pgtype.TimestamptzArrayOID
	case List, JSON:
		return pgtype.JSONBOID, pgtype.JSONBArrayOID
	default:
		panic("table: no type " + string(c.Type))
	}
}

// array is the column of all rows as one binary array.
func (c *column) array(rows []reflect.Value) ([]byte, error) {
	element, _ := c.oids()
	buf := make([]byte, 0, 20+len(rows)*24)
	for _, head := range []uint32{1, 1, element, uint32(len(rows)), 1} { //nolint:gosec // G115: a batch is thousands.
		buf = binary.BigEndian.AppendUint32(buf, head)
	}
	var err error
	for _, row := range rows {
		if buf, err = c.appendField(buf, row); err != nil {
			return nil, err
		}
	}
	return buf, nil
}
