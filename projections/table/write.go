package table

import (
	"context"
	"fmt"
	"reflect"
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
	rows, order, err := t.current(ctx, tx, events)
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		row := rows[keyOf(e)]
		if e.Revision != row.revision+1 {
			return t.gap(e, row.revision)
		}
		row.R, row.alive = t.fold(row.R, e.Recorded, e.Event)
		row.revision = e.Revision
	}
	return t.write(ctx, tx, rows, order)
}

func (t *Table[R]) gap(e *projections.Decoded, revision int64) error {
	return fmt.Errorf("%s: the event at position %d is revision %d of its stream, the row is at %d", t.name, e.Position, e.Revision, revision)
}

// pending is a row of a batch.
type pending[R any] struct {
	R        R
	revision int64
	alive    bool
}

// current reads the rows that the events continue, and makes those that they
// begin. order is that of each row's first event.
func (t *Table[R]) current(ctx context.Context, tx pgx.Tx, events []projections.Decoded) (rows map[rowKey]*pending[R], order []rowKey, err error) {
	rows = make(map[rowKey]*pending[R], len(events))
	var known keys
	for i := range events {
		key := keyOf(&events[i])
		if rows[key] != nil {
			continue
		}
		rows[key] = &pending[R]{}
		order = append(order, key)
		if events[i].Revision > 1 {
			known.add(key)
		}
	}
	if len(known.ids) == 0 {
		return rows, order, nil
	}
	found, err := tx.Query(ctx, t.selecting("t.")+` JOIN unnest($1::uuid[], $2::uuid[]) k(account_id, id)
		ON t.account_id = k.account_id AND t.id = k.id`, known.accounts, known.ids)
	if err != nil {
		return nil, nil, err
	}
	defer found.Close()
	for found.Next() {
		var row R
		if err := t.scan(found, 0, &row); err != nil {
			return nil, nil, err
		}
		b := baseOf(&row)
		*rows[rowKey{b.AccountID, b.ID}] = pending[R]{row, b.Revision, true}
	}
	return rows, order, found.Err()
}

// keys are arguments for unnest.
type keys struct{ accounts, ids pgtype.FlatArray[pgtype.UUID] }

func (k *keys) add(key rowKey) {
	k.accounts = append(k.accounts, pgtype.UUID{Bytes: key.account, Valid: true})
	k.ids = append(k.ids, pgtype.UUID{Bytes: key.id, Valid: true})
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
func (t *Table[R]) write(ctx context.Context, tx pgx.Tx, rows map[rowKey]*pending[R], order []rowKey) error {
	live := make([]reflect.Value, 0, len(order))
	var gone keys
	for _, key := range order {
		if row := rows[key]; row.alive {
			live = append(live, reflect.ValueOf(&row.R).Elem())
		} else {
			gone.add(key)
		}
	}
	if len(gone.ids) > 0 {
		_, err := tx.Exec(ctx, "DELETE FROM "+t.name+` t USING unnest($1::uuid[], $2::uuid[]) k(account_id, id)
			WHERE t.account_id = k.account_id AND t.id = k.id`, gone.accounts, gone.ids)
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
