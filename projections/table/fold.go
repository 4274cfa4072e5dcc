package table

import (
	"reflect"
	"time"

	"github.com/igny8/igny8/domain/es"
)

func (b *Base) base() *Base { return b }

func baseOf[R any](row *R) *Base {
	b, _ := any(row).(interface{ base() *Base })
	return b.base()
}

// fold is the row after the event, and whether there still is one.
func (t *Table[R]) fold(row R, rec es.Recorded, e es.Event) (R, bool) {
	b := baseOf(&row)
	if rec.Revision == 1 {
		b.ID, b.AccountID, b.CreatedAt = rec.Stream.ID, rec.Stream.Account, rec.RecordedAt
		b.SiteID, b.SectorID = optional(rec.Site), optional(rec.Sector)
	}
	b.Revision, b.Position, b.UpdatedAt = rec.Revision, rec.Position, rec.RecordedAt
	switch e := e.(type) {
	case nil:
	case es.Purged:
		return row, false
	case es.Deleted:
		by := rec.Actor.String()
		b.DeletedAt, b.DeletedBy, b.DeleteReason = &e.At, &by, optional(e.Reason)
		b.PurgeAfter, b.DeletionID = &e.PurgeAfter, &e.DeletionID
	case es.Restored:
		b.DeletedAt, b.DeletedBy, b.DeleteReason, b.PurgeAfter, b.DeletionID = nil, nil, nil, nil, nil
	default:
		t.spec.Evolve(&row, e)
	}
	t.roundTimes(&row)
	return row, true
}

// roundTimes keeps times as Postgres does, so that a folded row equals a stored
// one: in UTC, to the microsecond.
func (t *Table[R]) roundTimes(row *R) {
	v := reflect.ValueOf(row).Elem()
	for _, i := range t.times {
		f := v.FieldByIndex(t.columns[i].index)
		switch at := f.Addr().Interface().(type) {
		case *time.Time:
			*at = round(*at)
		case **time.Time:
			if *at != nil {
				rounded := round(**at)
				*at = &rounded
			}
		}
	}
}

func round(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
