package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

var _ projections.Log = (*Log)(nil)

// Log reads and follows the log as the role igny8_projector. It is safe for
// concurrent use.
type Log struct {
	pool *pgxpool.Pool
	tail *tail
}

// NewLog starts a log over a pool of the role igny8_projector. Besides the
// pool's connections it keeps one that listens, however many follow.
func NewLog(pool *pgxpool.Pool) *Log {
	l := &Log{pool: pool}
	l.tail = newTail(pool, l.Head)
	return l
}

// Close stops listening. Who waits then waits for its context. The pool stays
// open.
func (l *Log) Close() { l.tail.close() }

// Read gives up to limit events after a position. See projections.Log. A
// filter without an account looks at most 50,000 positions ahead, so that no
// read takes long; Through says how far it came.
func (l *Log) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	q := newPageQuery(after, filter, limit)
	var page es.Page
	err := retried(ctx, func() (err error) {
		page, err = q.run(ctx, l.pool, &pgx.Batch{})
		return err
	})
	if err != nil {
		return es.Page{}, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return page, nil
}

// Head is the last position; 0 when nothing was written.
func (l *Log) Head(ctx context.Context) (head int64, err error) {
	err = retried(ctx, func() error { return l.pool.QueryRow(ctx, selectHead).Scan(&head) })
	if err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	return head, nil
}

// Wait returns the last position as soon as it is past after.
func (l *Log) Wait(ctx context.Context, after int64) (int64, error) { return l.tail.wait(ctx, after) }

// Feed reads the log of one account at a time as the role igny8_app: row-level
// security proves what the filter says.
type Feed struct{ pool *pgxpool.Pool }

// NewFeed reads through a pool of the role igny8_app.
func NewFeed(pool *pgxpool.Pool) *Feed { return &Feed{pool: pool} }

// Read is Log.Read for a filter that names an account; without one it is an
// error.
func (f *Feed) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	if filter.Account == (es.ID{}) {
		return es.Page{}, errors.New("read a feed: the filter names no account")
	}
	batch := &pgx.Batch{}
	batch.Queue("SELECT set_config('app.account_id', $1, true)", filter.Account.String())
	page, err := newPageQuery(after, filter, limit).run(ctx, f.pool, batch)
	if err != nil {
		return es.Page{}, fmt.Errorf("read the feed after %d: %w", after, err)
	}
	return page, nil
}

const (
	selectHead = "SELECT pos FROM event_head"
	// window is how far a read looks that no index helps.
	window = 50_000
)

// pageQuery is one read of the log. The head is read before the events: all up
// to that head are in the events' snapshot, and so is all in front of the last
// event, because positions are in commit order.
type pageQuery struct {
	after, through int64 // through is 0 without a window
	limit          int
	filtered       bool
	sql            string
	args           []any
}

func newPageQuery(after int64, filter es.Filter, limit int) *pageQuery {
	q := &pageQuery{after: max(after, 0), limit: limit}
	var where strings.Builder
	and := func(condition string, arg any) {
		q.args = append(q.args, arg)
		fmt.Fprintf(&where, " AND "+condition, len(q.args))
		q.filtered = true
	}
	q.args = append(q.args, q.after, max(limit, 0))
	if filter.Account != (es.ID{}) {
		and("l.account_id = $%d", filter.Account)
	}
	if filter.Site != (es.ID{}) {
		and("l.site_id = $%d", filter.Site)
	}
	if len(filter.Types) > 0 {
		var literal, prefixes []string
		for _, t := range filter.Types {
			if prefix, ok := strings.CutSuffix(t, "*"); ok {
				prefixes = append(prefixes, prefix)
			} else {
				literal = append(literal, t)
			}
		}
		q.args = append(q.args, literal)
		and(fmt.Sprintf("(l.type = ANY ($%d) OR l.type ^@ ANY ($%%d))", len(q.args)), prefixes)
	}
	if q.filtered && filter.Account == (es.ID{}) {
		q.through = q.after + window
		and("l.pos <= $%d", q.through)
	}
	q.sql = "SELECT " + eventColumns + " FROM event_log l WHERE l.pos > $1" + where.String() + " ORDER BY l.pos LIMIT $2"
	return q
}

// run sends the queries behind those that the batch holds already.
func (q *pageQuery) run(ctx context.Context, pool *pgxpool.Pool, batch *pgx.Batch) (page es.Page, err error) {
	page.Through = q.after
	if q.filtered {
		batch.Queue(selectHead).QueryRow(func(row pgx.Row) error {
			var head int64
			err := row.Scan(&head)
			if q.through > 0 {
				head = min(head, q.through)
			}
			page.Through = max(page.Through, head)
			return err
		})
	}
	batch.Queue(q.sql, q.args...).Query(func(rows pgx.Rows) (err error) {
		page.Events, err = newDecoder().events(rows)
		return err
	})
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return es.Page{}, err
	}
	if n := len(page.Events); n > 0 && n == q.limit {
		page.Through = page.Events[n-1].Position
	} else if n > 0 {
		page.Through = max(page.Through, page.Events[n-1].Position)
	}
	return page, nil
}
