// Package bench measures the read side against a log that is there: how fast
// it is rebuilt and caught up with, and what a list costs beside the same SQL by
// hand. It measures; it judges nothing.
package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Bench is what is measured: an empty migrated database, with its store and
// log.
type Bench struct {
	Owner, Projector, App *pgxpool.Pool
	Store                 library.Store
	Log                   projections.Log

	accounts []es.ID
	events   int64
}

// Rate is so many events in so much time.
type Rate struct {
	Events int64
	Time   time.Duration
	Heap   uint64 // the most that was seen in use, in bytes, besides what was before
}

// PerSecond is the rate.
func (r Rate) PerSecond() float64 { return float64(r.Events) / r.Time.Seconds() }

// Fill writes events of about a quarter as many books, in 100 accounts.
func (b *Bench) Fill(ctx context.Context, events int) error {
	w := &library.Writer{Store: b.Store, Now: time.Now()}
	for range 100 {
		b.accounts = append(b.accounts, w.ID())
	}
	if err := w.Fill(ctx, b.accounts, events/4, 3); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	head, err := b.Log.Head(ctx)
	b.events = head
	return err
}

func (b *Bench) admin(all ...projections.Projection) *projections.Admin {
	return &projections.Admin{Owner: b.Owner, Projector: b.Projector, Log: b.Log, Registry: library.Registry(), Projections: all}
}

// Rebuild builds tables of the whole log, one after another, until they are
// live.
func (b *Bench) Rebuild(ctx context.Context, tables int) (Rate, error) {
	rate := Rate{Events: b.events * int64(tables)}
	heap := newHeap()
	started := time.Now()
	for i := range tables {
		p := library.Table(fmt.Sprintf("library_books_%d", i), 1, library.Evolve)
		if err := b.admin(p).Rebuild(ctx, nil, func(projections.Progress) { heap.look() }); err != nil {
			return rate, err
		}
	}
	rate.Time, rate.Heap = time.Since(started), heap.grown()
	return rate, nil
}

// CatchUp feeds tables from the start of the log, all at once, each event to
// one of them, until all are at its end.
func (b *Bench) CatchUp(ctx context.Context, tables int) (Rate, error) {
	rate := Rate{Events: b.events}
	all := make([]projections.Projection, tables)
	keys := make([]projections.Key, tables)
	for i := range all {
		p := library.Table(fmt.Sprintf("library_catch_%d", i), 1, library.Evolve)
		all[i], keys[i] = share{p, i, tables}, p.Key()
	}
	if err := b.admin(all...).Ensure(ctx, nil); err != nil {
		return rate, err
	}
	for _, k := range keys {
		if _, err := b.Owner.Exec(ctx, `TRUNCATE `+k.Table()); err != nil {
			return rate, err
		}
		if _, err := b.Owner.Exec(ctx, `UPDATE projection_checkpoints SET position = 0 WHERE name = $1`, k.Name); err != nil {
			return rate, err
		}
	}
	positions := projections.NewPositions()
	runner := projections.NewRunner(projections.Config{Pool: b.Projector, Log: b.Log, Registry: library.Registry(), Projections: all, Positions: positions})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	started := time.Now()
	go func() { ended <- runner.Run(ctx) }()
	reader := projections.NewReader(b.App, positions)
	for {
		err := reader.WaitFor(ctx, keys, b.events)
		if err == nil {
			break
		} else if es.ClassOf(err) != es.Unavailable {
			cancel()
			return rate, err
		}
	}
	rate.Time = time.Since(started)
	cancel()
	return rate, <-ended
}

// share is a table that takes only its share of the books, so that each event
// is one table's, as among ten kinds.
type share struct {
	*table.Table[library.Book]
	place, of int
}

func (s share) Apply(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	mine := slices.DeleteFunc(events, func(e projections.Decoded) bool { return int(e.Stream.ID[7]+e.Stream.ID[15])%s.of != s.place })
	if len(mine) == 0 {
		return nil
	}
	return s.Table.Apply(ctx, tx, mine)
}

// Load is not offered: only a catch-up is measured.
func (s share) Load() {}

// Latency is how long single reads took.
type Latency struct{ P50, P99 time.Duration }

// List measures a page of 25 rows with its count, through the table and as the
// same SQL by hand: without row-level security's transaction, checkpoint or
// checks. The tables of Rebuild must be there.
func (b *Bench) List(ctx context.Context, reads int) (list, byHand Latency, err error) {
	books := library.Table("library_books_0", 1, library.Evolve)
	reader := projections.NewReader(b.App, nil)
	var times, handTimes []time.Duration
	for i := range reads {
		account := b.accounts[i%len(b.accounts)]
		started := time.Now()
		page, err := books.List(ctx, reader, table.Scope{Account: account, AllSites: true}, table.Query{PageSize: 25, Order: []string{"title"}})
		if err != nil {
			return list, byHand, err
		}
		if len(page.Rows) != 25 {
			return list, byHand, fmt.Errorf("a page of %d rows", len(page.Rows))
		}
		times = append(times, time.Since(started))
		started = time.Now()
		if err := b.listByHand(ctx, account); err != nil {
			return list, byHand, err
		}
		handTimes = append(handTimes, time.Since(started))
	}
	return latency(times), latency(handTimes), nil
}

// latency leaves out the first tenth, in which plans are made.
func latency(times []time.Duration) Latency {
	times = slices.Sorted(slices.Values(times[len(times)/10:]))
	return Latency{times[len(times)/2], times[len(times)*99/100]}
}

func (b *Bench) listByHand(ctx context.Context, account es.ID) error {
	var count int64
	var page []library.Book
	batch := &pgx.Batch{}
	batch.Queue(`SELECT count(*) FROM library_books_0_v1 WHERE account_id = $1 AND deleted_at IS NULL`, account).QueryRow(func(row pgx.Row) error { return row.Scan(&count) })
	batch.Queue(`SELECT id, account_id, site_id, sector_id, revision, created_at, updated_at, deleted_at, deleted_by, delete_reason, purge_after,
		deletion_id, position, title, owner, shelf, pages, price, lent, due, tags, notes, blurb FROM library_books_0_v1
		WHERE account_id = $1 AND deleted_at IS NULL ORDER BY title, id LIMIT 25`, account).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var k library.Book
			err := rows.Scan(&k.ID, &k.AccountID, &k.SiteID, &k.SectorID, &k.Revision, &k.CreatedAt, &k.UpdatedAt, &k.DeletedAt, &k.DeletedBy, &k.DeleteReason, &k.PurgeAfter,
				&k.DeletionID, &k.Position, &k.Title, &k.Owner, &k.Shelf, &k.Pages, &k.Price, &k.Lent, &k.Due, &k.Tags, &k.Notes, &k.Blurb)
			if err != nil {
				return err
			}
			page = append(page, k)
		}
		return rows.Err()
	})
	return b.Projector.SendBatch(ctx, batch).Close()
}

// heap watches how much is in use.
type heap struct{ before, most uint64 }

func newHeap() *heap {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return &heap{m.HeapAlloc, m.HeapAlloc}
}

func (h *heap) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.most = max(h.most, m.HeapAlloc)
}

func (h *heap) grown() uint64 { return h.most - h.before }
