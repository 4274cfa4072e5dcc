package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	database "github.com/igny8/igny8/infra/postgres"
)

const readStream = `SELECT ` + eventColumns + ` FROM event_log l
WHERE l.account_id = $1 AND l.kind = $2 AND l.stream_id = $3 AND l.revision >= $4 ORDER BY l.revision`

const (
	readersMost = 2   // round trips at the same time
	readsMost   = 128 // streams in one
	readTime    = 10 * time.Second
)

// reader reads streams. The reads that come in while earlier ones are on their
// way share the next round trip.
type reader struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	waiting []*streamRead
	running int
}

type streamRead struct {
	stream es.StreamID
	from   int64
	events []es.Recorded
	err    error
	done   chan struct{}
}

func newReader(pool *pgxpool.Pool) *reader { return &reader{pool: pool} }

func (r *reader) read(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	read := &streamRead{stream: stream, from: from, done: make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, read)
	if r.running < readersMost {
		r.running++
		go r.run(context.WithoutCancel(ctx))
	}
	r.mu.Unlock()
	select {
	case <-read.done:
		return read.events, read.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *reader) run(ctx context.Context) {
	for {
		r.mu.Lock()
		n := min(len(r.waiting), readsMost)
		group := r.waiting[:n:n]
		r.waiting = r.waiting[n:]
		if n == 0 {
			r.running--
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		err := r.fetch(ctx, group)
		for _, read := range group {
			if err != nil {
				read.events, read.err = nil, fmt.Errorf("read %s: %w", read.stream, err)
			}
			close(read.done)
		}
	}
}

func (r *reader) fetch(ctx context.Context, group []*streamRead) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return retried(ctx, func() error {
		d := newDecoder()
		batch := &pgx.Batch{}
		for _, read := range group {
			read.events = nil
			s := read.stream
			batch.Queue(readStream, s.Account, s.Kind, s.ID, read.from).Query(func(rows pgx.Rows) error {
				return d.each(rows, func(e es.Recorded) error {
					read.events = append(read.events, e)
					return nil
				})
			})
		}
		return r.pool.SendBatch(ctx, batch).Close()
	})
}

// retried calls f again, a few times, while Postgres is not there. It bridges a
// restart, which leaves dead connections in the pool.
func retried(ctx context.Context, f func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || ctx.Err() != nil || attempt == readAttempts || !database.IsUnavailable(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 4
	}
}

const readAttempts = 4
