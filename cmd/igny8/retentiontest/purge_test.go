package retentiontest_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	planning "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/retention"
	tenants "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/postgres"
	plannerrows "github.com/igny8/igny8/projections/planner"
	"github.com/igny8/igny8/projections/table"
)

func TestWhatIsPastItsRetentionIsGivenUpAndTheRestStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.keywords(3)
	kept := w.do(es.ID{}, planning.CreateKeyword{SiteID: w.site, SectorID: w.section, Keyword: "kept"}).Stream.ID
	w.forward(14*day - time.Minute)
	if s := w.swept(); s.Purged != 0 {
		t.Fatalf("before its time %+v", s)
	}
	w.do(gone[2], commands.Restore{Kind: planner.KeywordKind.Name})
	w.forward(2 * time.Minute)
	if s := w.swept(); s.Purged != 2 || s.Refused != 0 {
		t.Errorf("the sweep came to %+v", s)
	}
	if b := w.blanked(); b.Done != 2 || len(b.Waiting) != 0 {
		t.Errorf("blanked %+v", b)
	}
	if n := w.left(gone[:2]...); n != 0 {
		t.Errorf("%d events still have data", n)
	}
	if n := w.left(gone[2], kept); n != 4 {
		t.Errorf("%d events of others have data, want 4", n)
	}
	w.settle()
	scope := table.Scope{Account: w.account, AllSites: true}
	page, err := plannerrows.Keywords().List(t.Context(), w.reader, scope, table.Query{Deleted: table.WithDeleted})
	if err != nil || len(page.Rows) != 2 {
		t.Errorf("the list shows %d rows, %v", len(page.Rows), err)
	}
	if _, err := w.bus.Do(t.Context(), w.request(gone[0], commands.Restore{Kind: planner.KeywordKind.Name})); es.ClassOf(err) != es.Gone {
		t.Errorf("restoring what was purged: %v", err)
	}
	if s, b := w.swept(), w.blanked(); s.Purged+s.Refused != 0 || b.Done != 0 {
		t.Errorf("again it came to %+v, %+v", s, b)
	}
	fresh, err := open(w.pool, w.dir, nil)
	w.must(err)
	defer fresh.close()
	here, err := commands.Load(t.Context(), w.bus, planner.KeywordKind, w.account, gone[0])
	w.must(err)
	there, err := commands.Load(t.Context(), fresh.bus, planner.KeywordKind, w.account, gone[0])
	w.must(err)
	if here.Text != "" || here.Entity != there.Entity || !there.Purged || there.Text != here.Text {
		t.Errorf("in memory it is %+v, read anew %+v", here, there)
	}
	w.same()
}

func TestWhatWasBlankedOnceMayBeBlankedAgainFromTheStartOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keywords(2)
	w.forward(15 * day)
	w.swept()
	w.blanked()
	_, err := w.root.Exec(t.Context(), `UPDATE purge_scan SET position = 0`)
	w.must(err)
	if b := w.blanked(); b.Done != 2 {
		t.Errorf("again it did %+v", b)
	}
	w.same()
}

func TestNothingComesBackUnderAParentThatWasPurged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	word := w.keywords(1)[0]
	w.do(w.account, tenants.ChangeAccountSettings{RetentionDays: commands.Some(100)})
	late := w.do(es.ID{}, planning.CreateKeyword{SiteID: w.site, SectorID: w.section, Keyword: "late"}).Stream.ID
	w.do(late, commands.Delete{Kind: planner.KeywordKind.Name})
	w.do(w.account, tenants.ChangeAccountSettings{RetentionDays: commands.Some(1)})
	w.do(w.section, commands.Delete{Kind: tenancy.SectorKind.Name})
	w.forward(2 * day)
	if s := w.swept(); s.Purged != 1 {
		t.Fatalf("the sweep came to %+v", s)
	}
	w.blanked()
	var e *es.Error
	for _, id := range []es.ID{word, late} {
		_, err := w.bus.Do(t.Context(), w.request(id, commands.Restore{Kind: planner.KeywordKind.Name}))
		if !errors.As(err, &e) || e.Word() != "parent_gone" {
			t.Errorf("a child of what was purged: %v", err)
		}
	}
	w.forward(13 * day)
	if s := w.swept(); s.Purged != 1 { // each goes by the window of its own deletion.
		t.Errorf("the sweep came to %+v", s)
	}
	w.forward(90 * day)
	if s := w.swept(); s.Purged != 1 {
		t.Errorf("the sweep came to %+v", s)
	}
	w.blanked()
	w.same()
}

// fixed is a reader of the log at a position.
type fixed struct {
	who string
	at  *int64
}

func (f fixed) Passed(context.Context) ([]retention.Passed, error) {
	return []retention.Passed{{Who: f.who, Position: *f.at}}, nil
}

func TestNothingIsBlankedBeforeEverybodyPassedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keywords(3)
	w.forward(15 * day)
	w.swept()
	w.settle()
	var first int64
	w.must(w.root.QueryRow(t.Context(), `SELECT min(pos) FROM event_log WHERE type LIKE '%.purged.v1'`).Scan(&first))
	blanking := w.blanking()
	blanking.Readers = append(blanking.Readers, fixed{"mail", &first})
	blanking.Patience = 20 * time.Millisecond
	b, err := blanking.Run(t.Context(), func(int64) {})
	w.must(err)
	if b.Done != 1 || b.Waiting["mail, which is behind"] != 2 {
		t.Errorf("with a group behind it came to %+v", b)
	}
	if n := w.count(`SELECT count(*) FROM purges WHERE waits_for = 'mail, which is behind'`); n != 2 {
		t.Errorf("%d say what they wait for", n)
	}
	// An account is parked in one read model, at the last of the events.
	_, err = w.root.Exec(t.Context(), `INSERT INTO projection_parked (account_id, name, version, position, error)
		SELECT $1, name, version, (SELECT pos FROM event_head), 'x' FROM projection_checkpoints WHERE name = 'tenancy_tree'`, w.account)
	w.must(err)
	first = math.MaxInt64
	b, err = blanking.Run(t.Context(), func(int64) {})
	w.must(err)
	if b.Done != 1 || b.Waiting["the read model tenancy_tree, where the account is parked"] != 1 {
		t.Errorf("with the account parked it came to %+v", b)
	}
	_, err = w.root.Exec(t.Context(), `DELETE FROM projection_parked`)
	w.must(err)
	if b := w.blanked(); b.Done != 1 {
		t.Errorf("once everybody passed it came to %+v", b)
	}
	w.same()
}

func TestWhatIsDueIsPurgedInBatches(t *testing.T) {
	t.Parallel()
	const n = 5000
	w := newWorld(t)
	w.do(w.account, tenants.ChangeAccountPlan{Plan: tenancy.InternalPlan})
	w.keywords(n)
	w.forward(15 * day)
	w.settle()
	from := time.Now()
	s, err := w.sweep(t.Context())
	w.must(err)
	swept := time.Since(from)
	w.settle()
	from = time.Now()
	b := w.blanked()
	if s.Purged != n || b.Done != n {
		t.Errorf("%+v, %+v", s, b)
	}
	t.Logf("%d aggregates: purged in %s, blanked in %s", n, swept, time.Since(from))
	w.same()
}

func TestAnAccountSeesOnlyWhatIsDueOfItsOwnAndNobodySeesTheWorklist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keywords(2)
	w.settle()
	app := w.pool(postgres.RoleApp)
	for account, want := range map[es.ID]int{w.account: 2, commands.NewID(): 0} {
		var n int
		w.must(postgres.ReadInAccount(t.Context(), app, account, func(b *batch) {
			b.Queue(`SELECT count(*) FROM retention_due_v1`).QueryRow(func(r row) error { return r.Scan(&n) })
		}))
		if n != want {
			t.Errorf("it sees %d, want %d", n, want)
		}
	}
	for _, role := range postgres.Roles() {
		for _, name := range []string{"purges", "purge_scan", "schedules", "scheduler_lease"} {
			_, err := w.pool(role).Exec(t.Context(), `SELECT count(*) FROM `+name)
			if allowed := role == postgres.RoleProjector || role == postgres.RoleOwner; (err == nil) != allowed || !allowed && !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s reading %s: %v", role, name, err)
			}
		}
		_, err := w.pool(role).Exec(t.Context(), `SELECT legal_hold_in_force($1)`, w.account)
		if allowed := role == postgres.RoleAppender || role == postgres.RoleOwner; (err == nil) != allowed {
			t.Errorf("%s asking for a hold: %v", role, err)
		}
	}
}
