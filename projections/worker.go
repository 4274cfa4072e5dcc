package projections

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// worker feeds one projection.
type worker struct {
	runner     *Runner
	projection Projection
	key        Key
	selector   *selector

	mu    sync.Mutex
	state Stats
	since time.Time // it is behind, as far as Stats has seen
}

func newWorker(r *Runner, p Projection) *worker {
	return &worker{runner: r, projection: p, key: p.Key(), selector: newSelector(p), state: Stats{Key: p.Key()}}
}

// session holds the lease and feeds the projection until something fails.
func (w *worker) session(ctx context.Context) (err error) {
	lost, err := w.runner.leases.await(ctx, w.key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(lost, func() { cancel(errFenced) })()
	conn, err := own(ctx, w.runner.pool)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	defer func() {
		if context.Cause(ctx) == errFenced { //nolint:errorlint // it is this very value
			err = errFenced
		}
		w.left(err)
	}()
	c, err := takeOver(ctx, conn, w.key)
	if err != nil {
		return err
	}
	w.reached(c, 0)
	for {
		p, err := w.runner.feed.next(ctx, w, c.position)
		if err != nil {
			return err
		}
		events := w.selector.of(p.events, c.position, c.parked)
		s := step{key: w.key, epoch: c.epoch, from: c.position, to: p.through, at: p.last()}
		if len(events) == 0 {
			err = w.runner.advancer.move(ctx, s)
		} else {
			err = w.apply(ctx, conn, s, events, c.parked)
		}
		if err != nil {
			return err
		}
		c.position = p.through
		w.reached(c, len(events))
	}
}

// apply writes the events' rows and the checkpoint in one transaction. Accounts
// whose events fail are parked, in the database and in parked.
func (w *worker) apply(ctx context.Context, conn *pgx.Conn, s step, events []Decoded, parked map[es.ID]bool) error {
	err := w.inTransaction(ctx, conn, s, func(tx pgx.Tx) error { return applied(ctx, w.projection, tx, events) })
	if err == nil || systemic(err, conn) {
		return err
	}
	var faults []fault
	err = w.inTransaction(ctx, conn, s, func(tx pgx.Tx) (err error) {
		if faults, err = applyIsolated(ctx, w.projection, tx, events); err != nil {
			return err
		}
		return parkAll(ctx, tx, w.key, faults)
	})
	if err != nil {
		return err
	}
	for _, f := range faults {
		parked[f.account] = true
		w.runner.logger.ErrorContext(ctx, "projections: an account's events wait, because one cannot be applied",
			slog.String("projection", w.key.String()), slog.String("account_id", f.account.String()),
			slog.Int64("position", f.position), slog.Any("error", f.err))
	}
	return nil
}

func (w *worker) inTransaction(ctx context.Context, conn *pgx.Conn, s step, write func(pgx.Tx) error) error {
	w.runner.at(beforeBegin, w.key)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := s.move(ctx, tx); err != nil {
			return err
		}
		if err := write(tx); err != nil {
			return err
		}
		w.runner.at(beforeCommit, w.key)
		return nil
	})
}

func parkAll(ctx context.Context, tx pgx.Tx, key Key, faults []fault) error {
	for _, f := range faults {
		if err := park(ctx, tx, key, f.account, f.position, f.err); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) reached(c checkpoint, events int) {
	w.runner.positions.set(w.key, c.position)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Held, w.state.Failing = true, ""
	w.state.Position, w.state.Parked = c.position, len(c.parked)
	w.state.Applied += int64(events)
}

func (w *worker) left(err error) {
	w.runner.feed.leave(w)
	w.runner.positions.forget(w.key)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Held = false
	if err != nil {
		w.state.Failing = err.Error()
	}
}

func (w *worker) stats(head int64) Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.state
	if !s.Held || head <= s.Position {
		w.since = time.Time{}
		return s
	}
	if w.since.IsZero() {
		w.since = time.Now()
	}
	s.Lag, s.LagTime = head-s.Position, time.Since(w.since)
	return s
}
