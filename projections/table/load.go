package table

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/jackc/pgx/v5"
)

// Load folds stream by stream and copies the rows, in constant memory. The
// table must have been made in the same transaction.
func (t *Table[R]) Load(ctx context.Context, tx pgx.Tx, next func() (projections.Decoded, bool, error)) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	read, write := io.Pipe()
	folded := make(chan error, 1)
	go func() {
		c := copier[R]{table: t, w: write, buf: []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")}
		err := c.run(next)
		_ = write.CloseWithError(err)
		folded <- err
	}()
	_, err := tx.Conn().PgConn().CopyFrom(ctx, read, fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary, FREEZE)", t.name, strings.Join(names, ", ")))
	_ = read.CloseWithError(io.ErrClosedPipe)
	if cause := <-folded; cause != nil && !errors.Is(cause, io.ErrClosedPipe) {
		return cause
	}
	return err
}

// copyChunk is how much goes to Postgres at once.
const copyChunk = 64 << 10

// copier writes folded rows in the binary form of COPY.
type copier[R any] struct {
	table  *Table[R]
	w      io.Writer
	buf    []byte
	row    R
	alive  bool
	stream es.StreamID
	at     int64 // the stream's revision
}

func (c *copier[R]) run(next func() (projections.Decoded, bool, error)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	for {
		e, more, err := next()
		switch {
		case err != nil:
			return err
		case !more:
			return c.end()
		}
		if err := c.take(&e); err != nil {
			return err
		}
	}
}

func (c *copier[R]) take(e *projections.Decoded) error {
	if e.Stream != c.stream {
		if err := c.flush(); err != nil {
			return err
		}
		c.row, c.stream, c.at = *new(R), e.Stream, 0
	}
	if e.Revision != c.at+1 {
		return c.table.gap(e, c.at)
	}
	c.row, c.alive = c.table.fold(c.row, e.Recorded, e.Event)
	c.at = e.Revision
	return nil
}

func (c *copier[R]) flush() (err error) {
	if !c.alive {
		return nil
	}
	c.alive = false
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(len(c.table.columns))) //nolint:gosec // G115: a table has few columns.
	v := reflect.ValueOf(&c.row).Elem()
	for i := range c.table.columns {
		if c.buf, err = c.table.columns[i].appendField(c.buf, v); err != nil {
			return err
		}
	}
	if len(c.buf) >= copyChunk {
		_, err = c.w.Write(c.buf)
		c.buf = c.buf[:0]
	}
	return err
}

func (c *copier[R]) end() error {
	if err := c.flush(); err != nil {
		return err
	}
	_, err := c.w.Write(binary.BigEndian.AppendUint16(c.buf, 0xffff))
	return err
}
