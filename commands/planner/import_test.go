package planner_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tasks"
)

// importer imports a file of the rows into the world.
func (w *world) importer(rows ...string) (Importer, *lines, *tasks.Trial) {
	l := &lines{files: map[es.ID]string{upload: strings.Join(rows, "\n")}}
	i := Importer{Bus: w.bus, Files: l, Uploads: uploads{l}, Intents: byWord{}, Claims: w}
	return i, l, &tasks.Trial{Run: tasks.Run{Task: es.Derive(upload, w.sector.Account.String(), 0), Tenant: w.sector, Request: "req-1"}}
}

var upload = es.Derive(es.ID{1}, "upload", 0)

func (w *world) imported(rows ...string) *ImportReport {
	w.t.Helper()
	i, _, trial := w.importer(rows...)
	return report(w, i, trial)
}

func report(w *world, i Importer, trial *tasks.Trial) *ImportReport {
	w.t.Helper()
	result, err := trial.Do(w.t.Context(), i.Task(), KeywordImport{Upload: upload, Country: "US"})
	if err != nil {
		w.t.Fatal(err)
	}
	r, _ := result.(*ImportReport)
	return r
}

func TestGoodRowsAreImportedAndBadOnesTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.imported("pens,xx", "!", "!", strings.Repeat("x", 256), "ink", "")
	want := []ImportError{
		{Row: 2, LastRow: 3, Code: "invalid", Column: "keyword", Message: "No."},
		{Row: 4, Code: "invalid", Column: "keyword", Message: r.Errors[1].Message},
		{Row: 6, Code: "invalid", Column: "keyword", Message: r.Errors[2].Message},
	}
	if r.Rows != 6 || r.Imported != 2 || r.Rejected != 4 || r.Duplicates != 0 || !reflect.DeepEqual(r.Errors, want) {
		t.Errorf("%+v", r)
	}
	for _, k := range w.all() {
		if k.Country != "US" || k.IntentSource != planner.IntentByRules || k.IntentConfidence != 30 {
			t.Errorf("%+v", k.KeywordDetails)
		}
	}
	for _, rec := range w.events(0)[2:] {
		if rec.Request != "req-1" {
			t.Errorf("%s is not traced to its request", rec.Type)
		}
	}
}

func TestDuplicatesCompleteWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(es.ID{}, CreateKeyword{Keyword: "Pens", Country: "US"})
	r := w.imported("pens,xxx", "PENS", "ink", "ink,xx", "ink,xxxx")
	if r.Imported != 1 || r.Duplicates != 4 || r.Completed != 1 || r.Rejected != 0 {
		t.Errorf("%+v", r)
	}
	volumes := map[string]int64{}
	for _, k := range w.all() {
		volumes[k.Text] = *k.Volume
	}
	if !reflect.DeepEqual(volumes, map[string]int64{"Pens": 3, "ink": 2}) {
		t.Errorf("the volumes are %v", volumes)
	}
}

func TestOverThePlansLimitRowsAreTakenInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit = 3
	r := w.imported("a", "b", "a", "c", "d", "e", "d", "b", "f")
	if r.Imported != 3 || r.Duplicates != 2 || r.Rejected != 4 || len(r.Errors) != 2 {
		t.Fatalf("%+v", r)
	}
	if e := r.Errors[0]; e.Row != 5 || e.LastRow != 7 || e.Code != "plan_limit" || !strings.Contains(e.Message, "3") {
		t.Errorf("%+v", e)
	}
	var texts []string
	for _, k := range w.all() {
		texts = append(texts, k.Text)
	}
	if slices.Sort(texts); !slices.Equal(texts, []string{"a", "b", "c"}) {
		t.Errorf("taken are %v", texts)
	}
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var rows []string
	for i := range 1500 {
		rows = append(rows, "!", fmt.Sprintf("k%d", i))
	}
	if r := w.imported(rows...); len(r.Errors) != 1000 || r.ErrorsLeftOff != 500 || r.Rejected != 1500 || r.Imported != 1500 {
		t.Errorf("%d errors, %d left off: %d, %d", len(r.Errors), r.ErrorsLeftOff, r.Rejected, r.Imported)
	}
}

func TestAnImportThatWasCutCountsTheSameAsOneThatWasNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}(,x{0,2})?|!`), 1, 40).Draw(rt, "rows")
		limit := rapid.Int64Range(0, 12).Draw(rt, "limit")
		whole, cut := newWorld(t), newWorld(t)
		whole.limit, cut.limit = limit, limit
		want := whole.imported(rows...)
		i, l, trial := cut.importer(rows...)
		for range rapid.IntRange(1, 3).Draw(rt, "cuts") {
			l.stopAt = rapid.Int64Range(1, int64(len(rows))).Draw(rt, "at")
			if _, err := trial.Do(t.Context(), i.Task(), KeywordImport{Upload: upload, Country: "US"}); es.ClassOf(err) != es.Unavailable {
				rt.Fatalf("the cut gives %v", err)
			}
		}
		got := report(cut, i, trial)
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("with cuts\n%+v\nwithout\n%+v", got, want)
		}
		if got.Imported != int64(len(cut.all())) || got.Rows != got.Imported+got.Rejected+got.Duplicates {
			rt.Fatalf("%+v, and %d keywords are there", got, len(cut.all()))
		}
	})
}

func TestAFileIsKeptForAnImportThatIsPlayedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for state, deleted := range map[domain.State]int{domain.Failed: 0, domain.TimedOut: 0, domain.Succeeded: 1, domain.Cancelled: 1} {
		i, l, trial := w.importer("a")
		if err := trial.End(t.Context(), i.Task(), KeywordImport{Upload: upload}, state); err != nil || len(l.deleted) != deleted {
			t.Errorf("%s: %d files were deleted: %v", state, len(l.deleted), err)
		}
	}
}
