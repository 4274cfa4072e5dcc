package library

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Store is what a Writer appends to.
type Store interface {
	Append(ctx context.Context, a es.Append) (es.Appended, error)
	AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult
}

// Writer appends books' events to a store, with ids that count up.
type Writer struct {
	Store Store
	Now   time.Time
	next  uint64
}

// ID is the next id, a UUIDv7 in form.
func (w *Writer) ID() es.ID {
	w.next++
	var id es.ID
	binary.BigEndian.PutUint64(id[:8], w.next<<16|0x7000)
	binary.BigEndian.PutUint64(id[8:], w.next)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Append is the next append to a book of a tenant: the events after a revision.
func (w *Writer) Append(tenant es.Tenant, book es.ID, after int64, events ...es.Event) (es.Append, error) {
	a := es.Append{Stream: es.StreamID{Account: tenant.Account, Kind: Books.Name, ID: book}, Expected: after}
	command := w.ID()
	for i, e := range events {
		data, err := es.Encode(e)
		if err != nil {
			return a, err
		}
		salt := make([]byte, 32)
		rec := es.Recorded{Data: data, Salt: salt, Envelope: es.Envelope{
			ID: es.EventID(command, i), Stream: a.Stream, Revision: after + int64(i) + 1, Type: Books.TypeName(e),
			Site: tenant.Site, Sector: tenant.Sector, Actor: es.System(), Command: command, Correlation: command,
			DataHash: es.HashData(salt, data),
		}}
		a.Events = append(a.Events, rec)
	}
	return a, nil
}

// Write appends the events to a book and gives its new revision.
func (w *Writer) Write(ctx context.Context, tenant es.Tenant, book es.ID, after int64, events ...es.Event) (es.Appended, error) {
	a, err := w.Append(tenant, book, after, events...)
	if err != nil {
		return es.Appended{}, err
	}
	return w.Store.Append(ctx, a)
}

// Delete is a soft delete, restorable until a day after Now.
func (w *Writer) Delete() es.Event {
	return es.Deleted{DeletionID: w.ID(), Reason: "weeded", RetentionDays: 1, At: w.Now, PurgeAfter: w.Now.AddDate(0, 0, 1)}
}

// Fill appends many books of many accounts, each with changes after it.
func (w *Writer) Fill(ctx context.Context, accounts []es.ID, books, changes int) error {
	const chunk = 500
	var batch []es.Append
	send := func() error {
		for _, result := range w.Store.AppendMany(ctx, batch) {
			if result.Err != nil {
				return result.Err
			}
		}
		batch = batch[:0]
		return nil
	}
	for i := range books {
		pages := int64(i % 900)
		facts := Facts{Title: fmt.Sprintf("The history of %d gardens, part %d", i%977, i), Pages: &pages, Tags: []string{"gardens", "history"}, Lent: i%7 == 0}
		events := []es.Event{Added{facts}}
		for n := range changes {
			facts.Title = fmt.Sprintf("The history of %d gardens, edition %d", i, n)
			events = append(events, Changed{facts})
		}
		a, err := w.Append(es.Tenant{Account: accounts[i%len(accounts)]}, w.ID(), 0, events...)
		if err != nil {
			return err
		}
		if batch = append(batch, a); len(batch) == chunk {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
