package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/igny8/igny8/domain/es"
)

// column is one array argument in Postgres's binary format, written straight
// from the events: a batch has 33 of them, and encoding by reflection would
// cost more than the batch's round trip.
type column struct {
	elem  uint32
	count int
	null  bool
	buf   []byte
}

// arrayHeader is dimensions, null flag, element type, length and lower bound.
const arrayHeader = 5 * 4

func newColumn(elem uint32) column { return column{elem: elem, buf: make([]byte, arrayHeader)} }

func (c *column) reset() { c.count, c.null, c.buf = 0, false, c.buf[:arrayHeader] }

// encoded is the argument; it is valid until the column is reset.
func (c *column) encoded() []byte {
	be := binary.BigEndian
	be.PutUint32(c.buf[0:], 1)
	be.PutUint32(c.buf[4:], 0)
	if c.null {
		be.PutUint32(c.buf[4:], 1)
	}
	be.PutUint32(c.buf[8:], c.elem)
	be.PutUint32(c.buf[12:], uint32(c.count)) //nolint:gosec // G115: a batch has far fewer elements.
	be.PutUint32(c.buf[16:], 1)
	if c.count == 0 {
		be.PutUint32(c.buf[0:], 0)
		return c.buf[:12]
	}
	return c.buf
}

func (c *column) length(n int) {
	c.count++
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) //nolint:gosec // G115: Postgres takes at most 1 GB.
}

func (c *column) int4(n int) {
	c.length(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) //nolint:gosec // G115: numbers of appends, claims and counters.
}

func (c *column) int8(n int64) {
	c.length(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(n)) //nolint:gosec // G115: two's complement on both sides.
}

func (c *column) bool(b bool) {
	c.length(1)
	if b {
		c.buf = append(c.buf, 1)
	} else {
		c.buf = append(c.buf, 0)
	}
}

func (c *column) text(s string) {
	c.length(len(s))
	c.buf = append(c.buf, s...)
}

func (c *column) bytes(b []byte) {
	c.length(len(b))
	c.buf = append(c.buf, b...)
}

// id writes an id, or null for the zero id.
func (c *column) id(id es.ID) {
	if id == (es.ID{}) {
		c.count, c.null = c.count+1, true
		c.buf = binary.BigEndian.AppendUint32(c.buf, 0xffffffff)
		return
	}
	c.bytes(id[:])
}

const (
	oidBool  = pgtype.BoolOID
	oidBytes = pgtype.ByteaOID
	oidInt4  = pgtype.Int4OID
	oidInt8  = pgtype.Int8OID
	oidText  = pgtype.TextOID
	oidUUID  = pgtype.UUIDOID
)
