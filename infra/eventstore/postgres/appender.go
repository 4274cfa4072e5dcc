package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

const (
	// attemptTime bounds one round trip: a connection that hangs longer is
	// given up, and its batch is sent again on another.
	attemptTime = 10 * time.Second
	firstPause  = 5 * time.Millisecond
	longPause   = 500 * time.Millisecond
)

// appender drains the queue, one batch at a time. It is the only one of its
// process that appends.
type appender struct {
	pool     *pgxpool.Pool
	queue    *queue
	patience time.Duration
	observe  func(appends, events int, took time.Duration)

	statement string
	arguments *arguments
	formats   []int16
	conn      *pgxpool.Conn // held while there is something to append

	stopping chan struct{}
	stopped  sync.WaitGroup
	once     sync.Once
}

func newAppender(pool *pgxpool.Pool, q *queue) *appender {
	a := &appender{
		pool: pool, queue: q, patience: 30 * time.Second, observe: func(int, int, time.Duration) {},
		statement: callStatement(), arguments: newArguments(), formats: make([]int16, argumentCount),
		stopping: make(chan struct{}),
	}
	for i := range a.formats {
		a.formats[i] = pgx.BinaryFormatCode
	}
	return a
}

func (a *appender) start() { a.stopped.Go(a.run) }

func (a *appender) stop() {
	a.once.Do(func() {
		for _, r := range a.queue.close() {
			if r.state.CompareAndSwap(queued, sent) {
				r.answer(es.AppendResult{Err: errClosed})
			}
		}
		close(a.stopping)
	})
	a.stopped.Wait()
}

func (a *appender) run() {
	defer a.release()
	var batch []*request
	for {
		// Callers that were just answered often append again at once; letting
		// them run first makes batches twice as large.
		runtime.Gosched()
		batch = a.queue.take(batch[:0])
		if len(batch) > 0 {
			a.write(batch)
			clear(batch)
			continue
		}
		a.release()
		select {
		case <-a.queue.filled:
		case <-a.stopping:
			return
		}
	}
}

// write answers each request of a batch. A batch that is refused as a whole is
// halved, until only those that cause it are refused.
func (a *appender) write(batch []*request) {
	batch, err := a.persist(batch)
	switch {
	case err == nil:
	case len(batch) == 1:
		batch[0].answer(es.AppendResult{Err: fmt.Errorf("append to %s: %w", batch[0].append.Stream, err)})
	default:
		a.write(batch[:len(batch)/2])
		a.write(batch[len(batch)/2:])
	}
}

// persist sends a batch until its outcome is known or nobody waits any more.
// An error means that Postgres refused as a whole what is then left of it.
func (a *appender) persist(batch []*request) ([]*request, error) {
	pause := firstPause
	for {
		start := time.Now()
		rows, err := a.call(batch)
		if err == nil {
			a.observe(len(batch), answerAll(batch, rows), time.Since(start))
			return nil, nil
		}
		if !passes(err) {
			return batch, err
		}
		a.drop()
		if batch = a.stillWaiting(batch, err); len(batch) == 0 {
			return nil, nil
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // G404: jitter.
		case <-a.stopping:
			for _, r := range batch {
				r.answer(es.AppendResult{Err: eventstore.UnknownOutcome(errors.Join(errClosed, err))})
			}
			return nil, nil
		}
		pause = min(2*pause, longPause)
	}
}

// stillWaiting answers the requests that waited too long and gives the others.
func (a *appender) stillWaiting(batch []*request, err error) []*request {
	waiting := make([]*request, 0, len(batch))
	for _, r := range batch {
		switch {
		case r.ctx.Err() != nil:
			r.answer(es.AppendResult{Err: eventstore.UnknownOutcome(errors.Join(r.ctx.Err(), err))})
		case time.Since(r.since) > a.patience:
			r.answer(es.AppendResult{Err: eventstore.UnknownOutcome(err)})
		default:
			waiting = append(waiting, r)
		}
	}
	return waiting
}

// passes says whether an error may be gone at the next attempt: the connection
// was lost or could not be made, the server stops, starts, is a standby or is
// short of something.
func passes(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return true
	}
	switch refused.Code[:2] {
	case "08", "25", "40", "53", "55", "57", "58":
		return true
	default:
		return false
	}
}

// outcome is a row of append_events.
type outcome struct {
	append, outcome int32
	n, m            int64
	at              time.Time
}

// call sends a batch once.
func (a *appender) call(batch []*request) ([]outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
	defer cancel()
	if a.conn == nil {
		conn, err := a.pool.Acquire(ctx)
		if err != nil {
			return nil, fmt.Errorf("connect to append: %w", err)
		}
		a.conn = conn
	}
	if _, err := a.conn.Conn().Prepare(ctx, "append_events", a.statement); err != nil {
		return nil, fmt.Errorf("prepare to append: %w", err)
	}
	result := a.conn.Conn().PgConn().ExecPrepared(ctx, "append_events", a.arguments.encode(batch), a.formats, []int16{pgx.BinaryFormatCode})
	var rows []outcome
	for result.NextRow() {
		rows = append(rows, decodeOutcome(result.Values()))
	}
	if _, err := result.Close(); err != nil {
		return nil, fmt.Errorf("append a batch of %d: %w", len(batch), err)
	}
	return rows, nil
}

func decodeOutcome(v [][]byte) outcome {
	be := binary.BigEndian
	o := outcome{
		append: int32(be.Uint32(v[0])), outcome: int32(be.Uint32(v[1])), //nolint:gosec // G115: two's complement.
		n: int64(be.Uint64(v[2])), m: int64(be.Uint64(v[3])), //nolint:gosec // G115: two's complement.
	}
	if v[4] != nil {
		o.at = timeOf(int64(be.Uint64(v[4]))) //nolint:gosec // G115: two's complement.
	}
	return o
}

// timeOf reads Postgres's microseconds since the year 2000.
func timeOf(micros int64) time.Time { return time.UnixMicro(micros + 946684800000000).UTC() }

func (a *appender) release() {
	if a.conn != nil {
		a.conn.Release()
		a.conn = nil
	}
}

// drop closes the connection, so that the next attempt makes a new one.
func (a *appender) drop() {
	if a.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = a.conn.Conn().Close(ctx) // it is broken anyway
		a.release()
	}
}

// The outcomes of append_events.
const (
	wasConflict   = 1
	wasRepeat     = 2
	wasForeign    = 3
	wasTaken      = 4
	wasPastLimit  = 5
	outcomeHeader = 0 // in place of an append's number
)

// answerAll gives each request its result and the number of events written.
func answerAll(batch []*request, rows []outcome) (written int) {
	refused := make(map[int]outcome, len(rows))
	var head outcome
	for _, o := range rows {
		if o.append == outcomeHeader {
			head = o
		} else {
			refused[int(o.append)-1] = o
		}
	}
	pos := head.n
	for i, r := range batch {
		if o, ok := refused[i]; ok {
			r.answer(resultOf(&r.append, o))
			continue
		}
		n := len(r.append.Events)
		pos += int64(n)
		r.answer(es.AppendResult{Appended: es.Appended{Position: pos, Revision: r.append.Expected + int64(n), RecordedAt: head.at}})
	}
	return int(pos - head.n)
}

func resultOf(a *es.Append, o outcome) es.AppendResult {
	switch o.outcome {
	case wasRepeat:
		return es.AppendResult{Appended: es.Appended{Position: o.n, Revision: o.m, RecordedAt: o.at, Repeat: true}}
	case wasConflict:
		return es.AppendResult{Err: &es.WrongRevisionError{Stream: a.Stream, Actual: o.n}}
	case wasForeign:
		return es.AppendResult{Err: eventstore.EventIDTaken(a.Stream)}
	case wasTaken:
		return es.AppendResult{Err: &es.ClaimRefusedError{Index: int(o.n)}}
	case wasPastLimit:
		return es.AppendResult{Err: &es.ClaimRefusedError{Index: int(o.n), Used: o.m, Limit: a.Claims[o.n].Limit}}
	default:
		return es.AppendResult{Err: fmt.Errorf("append to %s: unknown outcome %d of append_events", a.Stream, o.outcome)}
	}
}
