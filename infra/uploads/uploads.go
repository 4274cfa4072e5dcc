// Package uploads keeps files in Postgres from their upload until they were read,
// so that any process may read them. It implements readapi.Files and
// commands/planner.Uploads.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

const (
	// chunk is how many bytes are in memory at a time, and in a row.
	chunk = 1 << 20
	// keep is how long a file waits to be read, also by a task that is played
	// again after it failed.
	keep = 7 * 24 * time.Hour
)

// Store is the tables uploads and upload_chunks. It is safe for concurrent use,
// also by many processes.
type Store struct{ pool *pgxpool.Pool }

// New makes a store over a pool of the role igny8_app.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

const setAccount = `SELECT set_config('app.account_id', $1, true)`

// Save keeps what r gives under the id and says how many bytes it was. It holds
// no connection while it waits for r. A save that fails keeps nothing; one that
// was cut off expires.
func (s *Store) Save(ctx context.Context, account, id es.ID, name string, r io.Reader) (size int64, err error) {
	err = s.exec(ctx, account, `INSERT INTO uploads (account_id, id, name, expires_at) VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
		account, id, name, keep.Seconds())
	if err != nil {
		return 0, fmt.Errorf("beginning an upload: %w", err)
	}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			err = errors.Join(err, s.Delete(ctx, account, id))
		}
	}()
	buffer := make([]byte, chunk)
	for n := 0; ; n++ {
		read, end, err := fill(buffer, r)
		if err != nil {
			return size, fmt.Errorf("reading an upload: %w", err)
		}
		if read > 0 {
			err := s.exec(ctx, account, `INSERT INTO upload_chunks (account_id, upload_id, n, data) VALUES ($1, $2, $3, $4)`, account, id, n, buffer[:read])
			if err != nil {
				return size, fmt.Errorf("keeping part %d of an upload: %w", n, err)
			}
			size += int64(read)
		}
		if end {
			break
		}
	}
	if err := s.exec(ctx, account, `UPDATE uploads SET size = $3 WHERE account_id = $1 AND id = $2`, account, id, size); err != nil {
		return size, fmt.Errorf("completing an upload: %w", err)
	}
	return size, nil
}

// fill reads until the buffer is full or r ends. Unlike io.ReadFull it tells the
// end from a reader that says itself that it was cut off.
func fill(buffer []byte, r io.Reader) (n int, end bool, err error) {
	for n < len(buffer) {
		read, err := r.Read(buffer[n:])
		n += read
		switch {
		case err == io.EOF: // a wrapped one is no end.
			return n, true, nil
		case err != nil:
			return n, false, err
		}
	}
	return n, false, nil
}

func (s *Store) exec(ctx context.Context, account es.ID, sql string, args ...any) error {
	batch := &pgx.Batch{}
	batch.Queue(setAccount, account.String())
	batch.Queue(sql, args...)
	return s.pool.SendBatch(ctx, batch).Close()
}

// Open gives a complete file's bytes, its name and its size. Errors: es.NotFound
// for what is not there, not complete, or another account's.
func (s *Store) Open(ctx context.Context, account, id es.ID) (r io.ReadCloser, name string, size int64, err error) {
	batch := &pgx.Batch{}
	batch.Queue(setAccount, account.String())
	batch.Queue(`SELECT name, size FROM uploads WHERE account_id = $1 AND id = $2 AND size IS NOT NULL`, account, id).
		QueryRow(func(row pgx.Row) error { return row.Scan(&name, &size) })
	err = s.pool.SendBatch(ctx, batch).Close()
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, "", 0, es.Refuse(es.NotFound, "", "The uploaded file is not there any more. Upload it again.")
	case err != nil:
		return nil, "", 0, fmt.Errorf("opening an upload: %w", err)
	}
	return &reader{ctx: ctx, store: s, account: account, id: id, left: size}, name, size, nil
}

// Delete forgets a file; one that is not there is forgotten already.
func (s *Store) Delete(ctx context.Context, account, id es.ID) error {
	if err := s.exec(ctx, account, `DELETE FROM uploads WHERE account_id = $1 AND id = $2`, account, id); err != nil {
		return fmt.Errorf("deleting an upload: %w", err)
	}
	return nil
}

// DeleteExpired forgets up to limit files whose time is over, of all accounts,
// over a pool of the role igny8_projector, and says how many.
func DeleteExpired(ctx context.Context, pool *pgxpool.Pool, limit int) (int64, error) {
	done, err := pool.Exec(ctx, `DELETE FROM uploads WHERE (account_id, id) IN
		(SELECT account_id, id FROM uploads WHERE expires_at <= now() ORDER BY expires_at LIMIT $1)`, limit)
	if err != nil {
		return 0, fmt.Errorf("deleting expired uploads: %w", err)
	}
	return done.RowsAffected(), nil
}

// reader reads a file chunk by chunk.
type reader struct {
	ctx     context.Context //nolint:containedctx // an io.Reader takes none.
	store   *Store
	account es.ID
	id      es.ID
	n       int
	data    []byte
	left    int64
}

func (r *reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if len(r.data) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.data)
	r.data, r.left = r.data[n:], r.left-int64(n)
	return n, nil
}

func (r *reader) next() error {
	batch := &pgx.Batch{}
	batch.Queue(setAccount, r.account.String())
	batch.Queue(`SELECT data FROM upload_chunks WHERE account_id = $1 AND upload_id = $2 AND n = $3`, r.account, r.id, r.n).
		QueryRow(func(row pgx.Row) error { return row.Scan(&r.data) })
	err := r.store.pool.SendBatch(r.ctx, batch).Close()
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && len(r.data) == 0:
		return es.Refuse(es.NotFound, "", "The uploaded file is not there any more. Upload it again.")
	case err != nil:
		return fmt.Errorf("reading part %d of an upload: %w", r.n, err)
	}
	r.n++
	return nil
}

func (r *reader) Close() error { return nil }
