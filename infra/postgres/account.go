package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// InAccount runs fn in a transaction that row-level security confines to
// account; it commits when fn returns nil, else rolls back. Beginning costs one
// round trip. For a single read, QueryInAccount is cheaper.
func InAccount(ctx context.Context, pool *pgxpool.Pool, account uuid.UUID, fn func(tx pgx.Tx) error) error {
	begin := "begin; select set_config('app.account_id', '" + account.String() + "', true)"
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: begin}, fn)
}

// ReadInAccount sends the queries that queue adds, confined to account, in one
// round trip and one implicit transaction. Results arrive in the callbacks that
// QueuedQuery takes; the first error of any of them is returned.
func ReadInAccount(ctx context.Context, pool *pgxpool.Pool, account uuid.UUID, queue func(b *pgx.Batch)) error {
	batch := &pgx.Batch{}
	batch.Queue("select set_config('app.account_id', $1, true)", account.String())
	queue(batch)
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("read in account: %w", err)
	}
	return nil
}

// QueryInAccount runs one query confined to account, in one round trip, and
// makes each row a T with fn (such as pgx.RowToStructByName).
func QueryInAccount[T any](
	ctx context.Context, pool *pgxpool.Pool, account uuid.UUID, fn pgx.RowToFunc[T], sql string, args ...any,
) ([]T, error) {
	var rows []T
	err := ReadInAccount(ctx, pool, account, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(r pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(r, fn)
			return err
		})
	})
	return rows, err
}

// QueryOneInAccount is QueryInAccount for one row; pgx.ErrNoRows if there is none.
func QueryOneInAccount[T any](
	ctx context.Context, pool *pgxpool.Pool, account uuid.UUID, fn pgx.RowToFunc[T], sql string, args ...any,
) (T, error) {
	var row T
	err := ReadInAccount(ctx, pool, account, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(r pgx.Rows) (err error) {
			row, err = pgx.CollectOneRow(r, fn)
			return err
		})
	})
	return row, err
}
