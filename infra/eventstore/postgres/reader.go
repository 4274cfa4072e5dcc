package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	database "github.com/igny8/igny8/infra/postgres"
)

const readStream = `SELECT ` + eventColumns + ` FROM event_log l
WHERE l.account_id = $1 AND l.kind = $2 AND l.stream_id = $3 AND l.revision >= $4 ORDER BY l.revision`

// readStreams reads many at once. Without statistics that fit, a join would be
// a scan of the whole log; one look into the index for each stream never is.
const readStreams = `SELECT ` + eventColumns + `, s.place FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[])
	WITH ORDINALITY s(account_id, kind, stream_id, revision, place)
CROSS JOIN LATERAL (
	SELECT * FROM event_log l
	WHERE l.account_id = s.account_id AND l.kind = s.kind AND l.stream_id = s.stream_id AND l.revision >= s.revision
	ORDER BY l.revision OFFSET 0
) l ORDER BY s.place, l.revision`

const (
	readersMost = 2   // round trips at the same time
	readsMost   = 500 // streams in one
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
		for _, read := range group {
			read.events = nil
		}
		if len(group) == 1 {
			return r.fetchOne(ctx, group[0])
		}
		return r.fetchMany(ctx, group)
	})
}

func (r *reader) fetchOne(ctx context.Context, read *streamRead) error {
	s := read.stream
	rows, err := r.pool.Query(ctx, readStream, s.Account, s.Kind, s.ID, read.from)
	if err != nil {
		return err
	}
	defer rows.Close()
	return newDecoder().each(rows, func(e es.Recorded) error {
		read.events = append(read.events, e)
		return nil
	})
}

func (r *reader) fetchMany(ctx context.Context, group []*streamRead) error {
	accounts, ids := make([]es.ID, len(group)), make([]es.ID, len(group))
	kinds, from := make([]string, len(group)), make([]int64, len(group))
	for i, read := range group {
		accounts[i], kinds[i], ids[i], from[i] = read.stream.Account, read.stream.Kind, read.stream.ID, read.from
	}
	rows, err := r.pool.Query(ctx, readStreams, accounts, kinds, ids, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	d := newDecoder()
	for rows.Next() {
		raw := rows.RawValues()
		e, err := d.event(raw)
		if err != nil {
			return err
		}
		read := group[number(raw[len(raw)-1])-1]
		read.events = append(read.events, e)
	}
	return rows.Err()
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
