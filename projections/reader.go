package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// MaxWait bounds how long a read waits for a position.
const MaxWait = 5 * time.Second

// Reader reads what projections wrote, for one account at a time, as the
// application's role. It is safe for concurrent use.
type Reader struct {
	pool      *pgxpool.Pool
	positions *Positions
}

// NewReader makes a reader over the pool of the role igny8_app. positions are
// those of this process's Runner, or nil when none runs here.
func NewReader(pool *pgxpool.Pool, positions *Positions) *Reader {
	if positions == nil {
		positions = NewPositions()
	}
	return &Reader{pool: pool, positions: positions}
}

// Read says for whom a query reads, what it reads from, and how fresh.
type Read struct {
	Account es.ID
	// Uses are the projections whose tables the query names.
	Uses []Key
	// AtLeast is a position that the answer must reflect; 0 is any. Wait
	// bounds the wait for it, at most MaxWait.
	AtLeast int64
	Wait    time.Duration
}

// errBehind is the refusal of a read whose position was not reached in time.
func errBehind() error {
	return es.Refuse(es.Unavailable, "read_model_behind", "The data is not up to date yet. Try again in a moment.")
}

func errParked() error {
	return es.Refuse(es.Unavailable, "projection_parked", "This account's data is being repaired. Try again later.")
}

// Query runs one SELECT within the account, calls scan for each row in the
// query's order, and gives the position that the answer is true for: the
// checkpoint is read in the same snapshot. It is one round trip. In scan, the
// query's own columns of rows.RawValues begin at FirstColumn. Errors:
// es.Unavailable "read_model_behind" when AtLeast was not reached in time, or a
// projection was not built; "projection_parked" while the account's events wait
// for a repair in one of them.
func (r *Reader) Query(ctx context.Context, read Read, sql string, args []any, scan func(pgx.Rows) error) (int64, error) {
	deadline := time.Now().Add(min(read.Wait, MaxWait))
	if read.AtLeast > 0 {
		waiting, cancel := context.WithDeadline(ctx, deadline)
		_ = r.positions.wait(waiting, read.Uses, read.AtLeast)
		cancel()
	}
	for pause := time.Millisecond; ; pause = min(pause*2, 20*time.Millisecond) {
		position, err := r.query(ctx, read, sql, args, scan)
		if err != nil || position >= read.AtLeast {
			return position, err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return 0, errBehind()
		}
		if err := sleep(ctx, min(pause, left)); err != nil {
			return 0, err
		}
	}
}

// FirstColumn is where a query's own columns begin in the rows of Query.
const FirstColumn = 0

// query sends everything in one round trip and one implicit transaction. The
// role's transactions are repeatable reads, so that the checkpoint and the rows
// come from one snapshot.
func (r *Reader) query(ctx context.Context, read Read, sql string, args []any, scan func(pgx.Rows) error) (position int64, err error) {
	var at state
	batch := &pgx.Batch{}
	batch.Queue(`SELECT set_config('app.account_id', $1, true)`, read.Account.String())
	batch.Queue(stateOf(read.Uses), read.Account).QueryRow(func(row pgx.Row) error {
		return row.Scan(&at.position, &at.built, &at.parked, &at.oneSnapshot)
	})
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		if err := at.refusal(); err != nil || at.position < read.AtLeast {
			return err
		}
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err := r.pool.SendBatch(ctx, batch).Close(); err != nil {
		var refused *es.Error
		if errors.As(err, &refused) {
			return 0, refused
		}
		return 0, fmt.Errorf("read %v: %w", read.Uses, err)
	}
	return at.position, nil
}

// state is how far the projections of a read are.
type state struct {
	position      int64
	built, parked bool
	oneSnapshot   bool
}

func (s state) refusal() error {
	switch {
	case s.parked:
		return errParked()
	case !s.built:
		return errBehind()
	case !s.oneSnapshot:
		return errors.New("a read needs a pool whose transactions are repeatable reads, as those of igny8_app are")
	}
	return nil
}

// stateOf is the query of how far projections are, whether all are built, and
// whether the account, its argument, is parked in any of them. The keys are the
// program's own.
func stateOf(uses []Key) string {
	keys := make([]string, len(uses))
	for i, k := range uses {
		keys[i] = fmt.Sprintf("('%s', %d)", strings.ReplaceAll(k.Name, "'", "''"), k.Version)
	}
	in := "(" + strings.Join(keys, ", ") + ")"
	return fmt.Sprintf(`SELECT coalesce(min(position), 0), count(*) = %d,
	EXISTS (SELECT FROM projection_parked WHERE account_id = $1 AND (name, version) IN %s),
	current_setting('transaction_isolation') = 'repeatable read'
FROM projection_checkpoints WHERE (name, version) IN %s`, len(uses), in, in)
}

// WaitFor returns once every projection has passed the position. Errors:
// es.Unavailable "read_model_behind" after MaxWait or at the context's
// deadline.
func (r *Reader) WaitFor(ctx context.Context, uses []Key, position int64) error {
	read := Read{Uses: uses, AtLeast: position, Wait: MaxWait}
	_, err := r.Query(ctx, read, "SELECT 1 WHERE false", nil, func(pgx.Rows) error { return nil })
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ScanColumn reads one column of the current row.
func ScanColumn(rows pgx.Rows, column int, into any) error {
	targets := make([]any, len(rows.RawValues()))
	targets[column] = into
	return rows.Scan(targets...)
}
