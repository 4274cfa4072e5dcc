// Package postgres is the event store on Postgres: commands.Store over one
// table, which is also the log that projections.Log reads.
//
// Appends of a process are committed in groups. Each group is one call of the
// function append_events, which locks the one row of event_head first; so
// positions are dense and in commit order over all processes, and readers need
// no tricks. docs/adr/0001 has the reasons and the measurements.
package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
	database "github.com/igny8/igny8/infra/postgres"
)

var (
	_ commands.Store       = (*Store)(nil)
	_ commands.ManyStreams = (*Store)(nil)
)

// Store appends and reads streams as the role igny8_appender. It is safe for
// concurrent use.
type Store struct {
	pool     *pgxpool.Pool
	queue    *queue
	appender *appender
	reader   *reader
}

// Option changes how NewStore makes a Store.
type Option func(*appender)

// WithPatience bounds how long an append is retried for a caller without a
// nearer deadline; the default is 30 seconds.
func WithPatience(d time.Duration) Option { return func(a *appender) { a.patience = d } }

// WithBatches has f called after each batch that was answered, with its number
// of appends and events and the time it took. f must return at once; nil is
// nobody.
func WithBatches(f func(appends, events int, took time.Duration)) Option {
	return func(a *appender) {
		if f != nil {
			a.observe = f
		}
	}
}

// NewStore starts a store over a pool of the role igny8_appender. The appender
// keeps one of the pool's connections while there is something to append.
func NewStore(pool *pgxpool.Pool, options ...Option) *Store {
	q := newQueue()
	a := newAppender(pool, q)
	for _, o := range options {
		o(a)
	}
	s := &Store{pool: pool, queue: q, appender: a, reader: newReader(pool)}
	a.start()
	return s
}

// Close refuses further appends, waits for the batch that is on its way and
// answers the others that nothing was written. The pool stays open.
func (s *Store) Close() { s.appender.stop() }

// Append writes to one stream. See commands.Store. The events' bytes must not
// be changed before it returns, nor ever after an unknown outcome.
//
// A caller who leaves while the append waits for its batch gets the context's
// error, and nothing is written. After that the append is retried over lost
// connections until the caller's deadline; then the error is
// eventstore.ErrUnknownOutcome.
func (s *Store) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	r := s.AppendMany(ctx, []es.Append{a})[0]
	return r.Appended, r.Err
}

// AppendMany writes to many streams, each append on its own. Appends that
// share a stream, a claim or an event id happen in the order given.
func (s *Store) AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult {
	results := make([]es.AppendResult, len(appends))
	requests := make([]*request, 0, len(appends))
	places := make([]int, 0, len(appends))
	now := time.Now()
	for i, a := range appends {
		err := ctx.Err()
		if err == nil {
			err = eventstore.Validate(a)
		}
		if err != nil {
			results[i].Err = err
			continue
		}
		requests = append(requests, &request{append: a, ctx: ctx, since: now})
		places = append(places, i)
	}
	for k, result := range s.send(ctx, requests) {
		results[places[k]] = result
	}
	return results
}

func (s *Store) send(ctx context.Context, requests []*request) []es.AppendResult {
	results := make([]es.AppendResult, len(requests))
	if len(requests) == 0 {
		return results
	}
	c := newCall(len(requests))
	for _, r := range requests {
		r.call = c
	}
	if err := s.queue.put(requests); err != nil {
		for i := range results {
			results[i].Err = err
		}
		return results
	}
	select {
	case <-c.done:
		for i, r := range requests {
			results[i] = r.result
		}
	case <-ctx.Done():
		for i, r := range requests {
			results[i] = r.leave(ctx.Err())
		}
	}
	return results
}

// ReadStream reads a stream from a revision on. Reads of the moment share one
// round trip.
func (s *Store) ReadStream(ctx context.Context, stream es.StreamID, from int64) ([]es.Recorded, error) {
	return s.reader.read(ctx, stream, from)
}

// ReadStreams reads many streams, each from its first event, in one round trip.
func (s *Store) ReadStreams(ctx context.Context, streams []es.StreamID) ([][]es.Recorded, error) {
	group := make([]*streamRead, len(streams))
	for i, stream := range streams {
		group[i] = &streamRead{stream: stream, from: 1}
	}
	if err := s.reader.fetch(ctx, group); err != nil {
		return nil, fmt.Errorf("read %d streams: %w", len(streams), err)
	}
	all := make([][]es.Recorded, len(group))
	for i, read := range group {
		all[i] = read.events
	}
	return all, nil
}

// Purge blanks data and salt of the stream's events up to a revision. While a
// legal hold of the account is in force it is refused (es.Conflict,
// "legal_hold").
func (s *Store) Purge(ctx context.Context, stream es.StreamID, through int64) error {
	_, err := s.pool.Exec(ctx, "SELECT purge_stream($1, $2, $3, $4)", stream.Account, stream.Kind, stream.ID, through)
	if database.IsHeld(err) {
		return es.Refuse(es.Conflict, "legal_hold", "A legal hold of the account is in force.")
	}
	if err != nil {
		return fmt.Errorf("purge %s through %d: %w", stream, through, err)
	}
	return nil
}
