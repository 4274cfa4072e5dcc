package table

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Key is the name and version.
func (t *Table[R]) Key() projections.Key {
	return projections.Key{Name: t.spec.Name, Version: t.spec.Version}
}

// Wants is every event of the kind.
func (t *Table[R]) Wants() []string { return []string{t.spec.Kind.KindName() + ".*"} }

// Shape is the table's statements.
func (t *Table[R]) Shape() string {
	return strings.Join(append(t.finishing(), t.creating()), ";\n")
}

func (t *Table[R]) creating() string {
	lines := make([]string, len(t.columns))
	for i, c := range t.columns {
		lines[i] = "\t" + c.Name + " " + c.sqlType()
		if !c.Nullable {
			lines[i] += " NOT NULL"
		}
	}
	return "CREATE TABLE " + t.name + " (\n" + strings.Join(lines, ",\n") + "\n)"
}

func (t *Table[R]) finishing() []string {
	all := []string{"ALTER TABLE " + t.name + " ADD PRIMARY KEY (account_id, id)"}
	for _, c := range t.columns {
		if !c.indexed {
			continue
		}
		index := fmt.Sprintf("CREATE INDEX %s_%s ON %s (account_id, %s, id)", t.name, c.Name, t.name, c.Name)
		if c.Type == UUID && c.Nullable && !c.Sortable {
			index += " WHERE " + c.Name + " IS NOT NULL"
		}
		all = append(all, index)
	}
	return all
}

// Create makes the table without keys.
func (t *Table[R]) Create(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, t.creating())
	return err
}

// Finish adds the primary key and the indexes.
func (t *Table[R]) Finish(ctx context.Context, tx pgx.Tx) error {
	for _, statement := range t.finishing() {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

type rowKey struct{ account, id es.ID }

func keyOf(e *projections.Decoded) rowKey { return rowKey{e.Stream.Account, e.Stream.ID} }

// Apply folds the events by row and writes every row once.
func (t *Table[R]) Apply(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	rows, err := t.current(ctx, tx, events)
	if err != nil {
		return err
	}
	order := make([]rowKey, 0, len(events))
	for i := range events {
		e := &events[i]
		key := keyOf(e)
		row, known := rows[key]
		if !known {
			row = new(R)
			rows[key] = row
		}
		b := baseOf(row)
		if e.Revision != b.Revision+1 {
			return fmt.Errorf("%s: event at position %d is revision %d of its stream, the row is at %d", t.name, e.Position, e.Revision, b.Revision)
		}
		if !slices.Contains(order[max(0, len(order)-1):], key) {
			order = append(order, key)
		}
		after, alive := t.fold(*row, e.Recorded, e.Event)
		if alive {
			*row = after
		} else {
			b.Revision, b.ID = e.Revision, es.ID{}
		}
	}
	return t.write(ctx, tx, rows, order)
}

// current reads the rows that the events continue.
func (t *Table[R]) current(ctx context.Context, tx pgx.Tx, events []projections.Decoded) (map[rowKey]*R, error) {
	rows := make(map[rowKey]*R, len(events))
	var accounts, ids pgtype.FlatArray[pgtype.UUID]
	for i := range events {
		key := keyOf(&events[i])
		if _, seen := rows[key]; seen {
			continue
		}
		rows[key] = new(R)
		if events[i].Revision > 1 {
			accounts = append(accounts, pgtype.UUID{Bytes: key.account, Valid: true})
			ids = append(ids, pgtype.UUID{Bytes: key.id, Valid: true})
		}
	}
	if len(ids) == 0 {
		return rows, nil
	}
	found, err := tx.Query(ctx, t.selecting("t.")+` JOIN unnest($1::uuid[], $2::uuid[]) k(account_id, id)
		ON t.account_id = k.account_id AND t.id = k.id`, accounts, ids)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		row := new(R)
		if err := t.scan(found, 0, row); err != nil {
			return nil, err
		}
		b := baseOf(row)
		rows[rowKey{b.AccountID, b.ID}] = row
	}
	return rows, found.Err()
}

func (t *Table[R]) selecting(alias string) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = alias + c.Name
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + t.name + " t"
}

// scan reads the current row of a result whose columns from first on are the
// table's.
func (t *Table[R]) scan(rows pgx.Rows, first int, into *R) error {
	raw, fields, v := rows.RawValues(), rows.FieldDescriptions(), reflect.ValueOf(into).Elem()
	for i := range t.columns {
		if err := t.columns[i].setField(v, raw[first+i], fields[first+i].Format); err != nil {
			return err
		}
	}
	return nil
}

// write upserts the rows that live and deletes those that are gone, each in one
// statement.
func (t *Table[R]) write(ctx context.Context, tx pgx.Tx, rows map[rowKey]*R, order []rowKey) error {
	live := make([]reflect.Value, 0, len(order))
	var accounts, ids pgtype.FlatArray[pgtype.UUID]
	for _, key := range order {
		row, pending := rows[key]
		if !pending {
			continue
		}
		delete(rows, key)
		if baseOf(row).ID == key.id {
			live = append(live, reflect.ValueOf(row).Elem())
			continue
		}
		accounts = append(accounts, pgtype.UUID{Bytes: key.account, Valid: true})
		ids = append(ids, pgtype.UUID{Bytes: key.id, Valid: true})
	}
	if len(ids) > 0 {
		_, err := tx.Exec(ctx, "DELETE FROM "+t.name+` t USING unnest($1::uuid[], $2::uuid[]) k(account_id, id)
			WHERE t.account_id = k.account_id AND t.id = k.id`, accounts, ids)
		if err != nil {
			return err
		}
	}
	if len(live) == 0 {
		return nil
	}
	return t.upsert(ctx, tx, live)
}

func (t *Table[R]) upsert(ctx context.Context, tx pgx.Tx, rows []reflect.Value) error {
	values, formats := make([][]byte, len(t.columns)), make([]int16, len(t.columns))
	for i := range t.columns {
		array, err := t.columns[i].array(rows)
		if err != nil {
			return err
		}
		values[i], formats[i] = array, pgx.BinaryFormatCode
	}
	prepared, err := tx.Prepare(ctx, t.upserting, t.upserting)
	if err != nil {
		return err
	}
	return tx.Conn().PgConn().ExecPrepared(ctx, prepared.Name, values, formats, nil).Read().Err
}

func (t *Table[R]) upsertStatement() string {
	names, arrays, sets := make([]string, len(t.columns)), make([]string, len(t.columns)), []string{}
	for i, c := range t.columns {
		kind, _, _ := strings.Cut(c.sqlType(), " COLLATE")
		names[i], arrays[i] = c.Name, fmt.Sprintf("$%d::%s[]", i+1, kind)
		if c.Name != "account_id" && c.Name != "id" {
			sets = append(sets, c.Name+" = excluded."+c.Name)
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM unnest(%s) ON CONFLICT (account_id, id) DO UPDATE SET %s",
		t.name, strings.Join(names, ", "), strings.Join(arrays, ", "), strings.Join(sets, ", "))
}

// Load folds stream by stream and copies the rows, in constant memory.
func (t *Table[R]) Load(ctx context.Context, tx pgx.Tx, next func() (projections.Decoded, bool, error)) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	read, write := io.Pipe()
	folded := make(chan error, 1)
	go func() {
		err := t.copyRows(write, next)
		_ = write.CloseWithError(err)
		folded <- err
	}()
	_, err := tx.Conn().PgConn().CopyFrom(ctx, read, fmt.Sprintf("COPY %s (%s) FROM STDIN BINARY", t.name, strings.Join(names, ", ")))
	_ = read.CloseWithError(io.ErrClosedPipe)
	if cause := <-folded; cause != nil && err == nil || cause != nil && cause != io.ErrClosedPipe { //nolint:errorlint // the pipe gives this very value
		return cause
	}
	return err
}

const copyChunk = 64 << 10

func (t *Table[R]) copyRows(w io.Writer, next func() (projections.Decoded, bool, error)) error {
	buf := append(make([]byte, 0, copyChunk*2), "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	var row R
	var stream es.StreamID
	alive := false
	flush := func() (err error) {
		if !alive {
			return nil
		}
		buf = binary.BigEndian.AppendUint16(buf, uint16(len(t.columns))) //nolint:gosec // G115: a table has few columns.
		v := reflect.ValueOf(&row).Elem()
		for i := range t.columns {
			if buf, err = t.columns[i].appendField(buf, v); err != nil {
				return err
			}
		}
		if len(buf) >= copyChunk {
			_, err = w.Write(buf)
			buf = buf[:0]
		}
		return err
	}
	for {
		e, more, err := next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if e.Stream != stream {
			if err := flush(); err != nil {
				return err
			}
			row, stream, alive = *new(R), e.Stream, true
		}
		if b := baseOf(&row); alive && e.Revision != b.Revision+1 {
			return fmt.Errorf("%s: event at position %d is revision %d of its stream after %d", t.name, e.Position, e.Revision, b.Revision)
		}
		row, alive = t.fold(row, e.Recorded, e.Event)
	}
	if err := flush(); err != nil {
		return err
	}
	_, err := w.Write(binary.BigEndian.AppendUint16(buf, 0xffff))
	return err
}
