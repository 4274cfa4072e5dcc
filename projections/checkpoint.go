package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errFenced says that somebody else took the projection over, or moved it: what
// this process knows of it is stale.
var errFenced = errors.New("the checkpoint was moved by another holder")

// checkpoint is a projection's place in the log, and the epoch that may move it.
type checkpoint struct {
	position int64
	epoch    int64
	parked   map[es.ID]bool
}

// takeOver raises the epoch, which fences every holder before.
func takeOver(ctx context.Context, conn *pgx.Conn, key Key) (c checkpoint, err error) {
	c.parked = map[es.ID]bool{}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `UPDATE projection_checkpoints SET epoch = epoch + 1
			WHERE name = $1 AND version = $2 RETURNING position, epoch`, key.Name, key.Version).Scan(&c.position, &c.epoch)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("projection %s was never built", key)
		} else if err != nil {
			return err
		}
		parked, err := parkedAccounts(ctx, tx, key)
		c.parked = parked
		return err
	})
	return c, err
}

func parkedAccounts(ctx context.Context, tx pgx.Tx, key Key) (map[es.ID]bool, error) {
	rows, err := tx.Query(ctx, `SELECT account_id FROM projection_parked WHERE name = $1 AND version = $2`, key.Name, key.Version)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	parked := make(map[es.ID]bool, len(ids))
	for _, id := range ids {
		parked[id] = true
	}
	return parked, err
}

// step is a move of a checkpoint.
type step struct {
	key      Key
	epoch    int64
	from, to int64
	at       time.Time // of the last event read; zero: unknown
}

// move is the fence: first in the transaction that writes the rows, so that
// whoever holds the checkpoint's lock holds still everything that feeds it.
func (s step) move(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `UPDATE projection_checkpoints SET position = $5, recorded_at = coalesce($6, recorded_at)
		WHERE name = $1 AND version = $2 AND epoch = $3 AND position = $4`,
		s.key.Name, s.key.Version, s.epoch, s.from, s.to, nullTime(s.at))
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return errFenced
	}
	return nil
}

// moveAll makes many moves in one statement and says which of them it made.
func moveAll(ctx context.Context, conn *pgx.Conn, steps []step) ([]bool, error) {
	var (
		names            = make([]string, len(steps))
		versions, epochs = make([]int64, len(steps)), make([]int64, len(steps))
		from, to         = make([]int64, len(steps)), make([]int64, len(steps))
		ats              = make([]*time.Time, len(steps))
	)
	index := make(map[Key]int, len(steps))
	for i, s := range steps {
		names[i], versions[i], epochs[i], from[i], to[i], ats[i] = s.key.Name, int64(s.key.Version), s.epoch, s.from, s.to, nullTime(s.at)
		index[s.key] = i
	}
	rows, err := conn.Query(ctx, `UPDATE projection_checkpoints c SET position = s.target, recorded_at = coalesce(s.at, c.recorded_at)
		FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[]) s(name, version, epoch, source, target, at)
		WHERE c.name = s.name AND c.version = s.version AND c.epoch = s.epoch AND c.position = s.source
		RETURNING c.name, c.version`, names, versions, epochs, from, to, ats)
	if err != nil {
		return nil, err
	}
	moved := make([]bool, len(steps))
	var key Key
	_, err = pgx.ForEachRow(rows, []any{&key.Name, &key.Version}, func() error {
		moved[index[key]] = true
		return nil
	})
	return moved, err
}

// park makes the account's events wait from a position on.
func park(ctx context.Context, tx pgx.Tx, key Key, account es.ID, position int64, cause error) error {
	_, err := tx.Exec(ctx, `INSERT INTO projection_parked (account_id, name, version, position, error) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id, name, version) DO NOTHING`, account, key.Name, key.Version, position, cause.Error())
	return err
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// systemic says that an error is not the fault of the events that met it:
// trying again later may work, and parking an account would not help.
func systemic(err error, conn *pgx.Conn) bool {
	if conn.IsClosed() || errors.Is(err, errFenced) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code[:2] {
	case "08", "25", "28", "40", "42", "53", "55", "57", "58", "XX":
		return true
	default:
		return false
	}
}
