package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

var _ projections.Log = (*Log)(nil)

// Log reads and follows the log as the role igny8_projector. It is safe for
// concurrent use.
type Log struct {
	pool   *pgxpool.Pool
	others map[string]func(string)
	tail   *tail
}

// LogOption changes how NewLog makes a Log.
type LogOption func(*Log)

// WithListener has hear called with the payload of each notification on a
// further channel, over the log's own listening connection. It is called with
// "" whenever that connection was made: some may have been missed before. hear
// must return at once.
func WithListener(channel string, hear func(payload string)) LogOption {
	return func(l *Log) { l.others[channel] = hear }
}

// NewLog starts a log over a pool of the role igny8_projector. Besides the
// pool's connections it keeps one that listens, however many follow.
func NewLog(pool *pgxpool.Pool, options ...LogOption) *Log {
	l := &Log{pool: pool, others: map[string]func(string){}}
	for _, o := range options {
		o(l)
	}
	l.tail = newTail(pool, l.Head, l.others)
	return l
}

// Close stops listening. Who waits then waits for its context. The pool stays
// open.
func (l *Log) Close() { l.tail.close() }

// Read gives up to limit events after a position. See projections.Log. A
// filter of more than an account looks at most 50,000 positions ahead, so that no
// read takes long; Through says how far it came.
func (l *Log) Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error) {
	q := newPageQuery(after, filter, limit)
	var page es.Page
	err := retried(ctx, func() (err error) {
		batch := &pgx.Batch{}
		q.queue(batch, &page)
		return l.pool.SendBatch(ctx, batch).Close()
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
