package table_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/projections/internal/library"
	"github.com/igny8/igny8/projections/table"
	"pgregory.net/rapid"
)

// reference folds a stream the plain way, into what the API would answer, as
// JSON; nil once it is purged.
func reference(records []es.Recorded, events []es.Event) map[string]any {
	row := map[string]any{"shelf": nil, "pages": nil, "price": nil, "due": nil, "tags": nil, "notes": nil, "shown": nil, "title": "", "owner": "", "blurb": "", "lent": false}
	stamp := func(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }
	for i, rec := range records {
		if i == 0 {
			row["id"], row["account_id"], row["created_at"] = rec.Stream.ID.String(), rec.Stream.Account.String(), stamp(rec.RecordedAt)
			if rec.Site != (es.ID{}) {
				row["site_id"] = rec.Site.String()
			}
		}
		row["revision"], row["updated_at"] = float64(rec.Revision), stamp(rec.RecordedAt)
		var facts library.Facts
		switch e := events[i].(type) {
		case es.Deleted:
			row["deleted_at"], row["deleted_by"], row["deletion_id"] = stamp(e.At), rec.Actor.String(), e.DeletionID.String()
			row["delete_reason"], row["purge_after"] = e.Reason, stamp(e.PurgeAfter)
			continue
		case es.Restored:
			for _, name := range []string{"deleted_at", "deleted_by", "deletion_id", "delete_reason", "purge_after"} {
				delete(row, name)
			}
			continue
		case es.Purged:
			return nil
		case library.Added:
			facts = e.Facts
		case library.Changed:
			facts = e.Facts
		case nil:
			continue
		}
		data, _ := json.Marshal(facts)
		for _, name := range []string{"shelf", "pages", "price", "due", "tags", "notes"} {
			row[name] = nil
		}
		row["lent"] = false
		_ = json.Unmarshal(data, &row)
		if facts.Due != nil {
			row["due"] = stamp(*facts.Due)
		}
		row["blurb"] = strings.Join(facts.Tags, " ")
	}
	return row
}

func drawFacts(t *rapid.T) library.Facts {
	maybe := rapid.Bool()
	f := library.Facts{Title: rapid.StringMatching(`[a-zé"\\ ]{0,12}`).Draw(t, "title"), Lent: maybe.Draw(t, "lent")}
	if maybe.Draw(t, "paged") {
		n := rapid.Int64().Draw(t, "pages")
		f.Pages = &n
	}
	if maybe.Draw(t, "priced") {
		n := rapid.Float64Range(-1e9, 1e9).Draw(t, "price")
		f.Price = &n
	}
	if maybe.Draw(t, "timed") {
		at := time.Unix(0, rapid.Int64Range(-1e18, 4e18).Draw(t, "due")).In(time.FixedZone("", 3600))
		f.Due = &at
	}
	f.Tags = rapid.SliceOfN(rapid.StringMatching(`[a-z"{},]{0,5}`), 0, 3).Draw(t, "tags")
	f.Notes = rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), rapid.String(), 0, 2).Draw(t, "notes")
	for k, v := range f.Notes {
		f.Notes[k] = strings.ReplaceAll(v, "\x00", "")
	}
	if len(f.Tags) == 0 {
		f.Tags = nil
	}
	if len(f.Notes) == 0 {
		f.Notes = nil
	}
	return f
}

func drawEvents(t *rapid.T, w *library.Writer) []es.Event {
	events := []es.Event{library.Added{Facts: drawFacts(t)}}
	deleted := false
	for range rapid.IntRange(0, 6).Draw(t, "more") {
		switch {
		case deleted && rapid.Bool().Draw(t, "restore"):
			events, deleted = append(events, es.Restored{}), false
		case deleted:
			return append(events, es.Purged{})
		case rapid.IntRange(0, 2).Draw(t, "what") == 0:
			events, deleted = append(events, w.Delete()), true
		default:
			events = append(events, library.Changed{Facts: drawFacts(t)})
		}
	}
	return events
}

// TestTheFoldAndTheTableGiveTheReferencesRow holds three to one another: the
// fold that answers writes, the stored row, and a plain fold. Some events are
// blanked, as a purge leaves them.
func TestTheFoldAndTheTableGiveTheReferencesRow(t *testing.T) {
	t.Parallel()
	books := library.Table("library_books", 1, library.Evolve)
	rapid.Check(t, func(rt *rapid.T) {
		store := memory.New()
		w := &library.Writer{Store: store, Now: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)}
		tenant := es.Tenant{Account: w.ID()}
		if rapid.Bool().Draw(rt, "sited") {
			tenant.Site = w.ID()
		}
		id := w.ID()
		events := drawEvents(rt, w)
		if _, err := w.Write(t.Context(), tenant, id, 0, events...); err != nil {
			rt.Fatal(err)
		}
		if _, purged := events[len(events)-1].(es.Purged); purged && rapid.Bool().Draw(rt, "blanked") {
			if err := store.Purge(t.Context(), es.StreamID{Account: tenant.Account, Kind: library.Books.Name, ID: id}, int64(len(events)-1)); err != nil {
				rt.Fatal(err)
			}
		}
		page, err := store.Read(t.Context(), 0, es.Filter{}, 100)
		if err != nil {
			rt.Fatal(err)
		}
		var row any
		for i, rec := range page.Events {
			if events[i], err = library.Registry().Decode(rec); err != nil {
				rt.Fatal(err)
			}
			before := fmt.Sprintf("%+v", row)
			after := books.Fold(row, rec, events[i])
			if fmt.Sprintf("%+v", row) != before {
				rt.Fatalf("the row before an event changed")
			}
			row = after
		}
		want := reference(page.Events, events)
		if want == nil || row == nil {
			if want != nil || row != nil {
				rt.Fatalf("folded %v, want %v", row, want)
			}
			return
		}
		if got := canonical(rt, row); got != canonical(rt, want) {
			rt.Fatalf("folded\n%s\nwant\n%s", got, canonical(rt, want))
		}
	})
}

func canonical(t require, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(data, &plain); err != nil {
		t.Fatal(err)
	}
	data, err = json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestMistakesInARowStructAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	type noBase struct {
		Title string `db:"title" json:"title"`
	}
	type noTag struct {
		table.Base
		Title string
	}
	type twice struct {
		table.Base
		Title string `db:"revision" json:"title"`
	}
	type unknown struct {
		table.Base
		Title string `db:"title" json:"title" filter:"like"`
	}
	type sealed struct {
		table.Base
		Owner es.Personal `db:"owner" json:"owner" sort:"true"`
	}
	for name, make := range map[string]func(){
		"no base": func() { table.New(table.Spec[noBase]{Name: "x", Version: 1, Kind: library.Books}) },
		"no tag":  func() { table.New(table.Spec[noTag]{Name: "x", Version: 1, Kind: library.Books}) },
		"twice":   func() { table.New(table.Spec[twice]{Name: "x", Version: 1, Kind: library.Books}) },
		"unknown": func() { table.New(table.Spec[unknown]{Name: "x", Version: 1, Kind: library.Books}) },
		"sealed":  func() { table.New(table.Spec[sealed]{Name: "x", Version: 1, Kind: library.Books}) },
		"no version": func() {
			table.New(table.Spec[library.Book]{Name: "x", Kind: library.Books})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}
