package retention_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
)

func TestWhatIsDeletedCanBeRestoredUntilItsWindowEndsAndPurgedFromThenOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(1, 365).Draw(t, "days")
		zone := time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).In(zone)
		off := time.Duration(rapid.OneOf(
			rapid.Int64Range(-2, 2), // at the edge, to the nanosecond
			rapid.Int64Range(-int64(400*24*time.Hour), int64(24*time.Hour)), // anywhere
		).Draw(t, "off"))
		env := es.Env{Now: at, RetentionDays: days}
		live := es.Entity{Revision: 1}
		events := live.Delete(env, es.ID{1}, "", false)
		deleted, _ := events[0].(es.Deleted)
		env.Now, env.RetentionDays = deleted.PurgeAfter.Add(off), rapid.IntRange(1, 365).Draw(t, "window changed to")

		kind := planner.KeywordKind
		state := kind.Fold(kind.Fold(kind.Zero(), es.Envelope{Revision: 1}, planner.KeywordCreated{}), es.Envelope{Revision: 2}, deleted)
		entity := kind.EntityOf(state)
		restored, restoreErr := entity.Restore(env, es.ID{}, false)
		purged, purgeErr := entity.Purge(env)
		if deleted.PurgeAfter.Sub(at) < time.Duration(days)*24*time.Hour-time.Hour {
			t.Fatalf("%d days end after %s", days, deleted.PurgeAfter.Sub(at))
		}
		if canRestore := len(restored) == 1 && restoreErr == nil; canRestore != (off < 0) {
			t.Fatalf("%s after its window ended, a restore gives %v, %v", off, restored, restoreErr)
		}
		if canPurge := len(purged) == 1 && purgeErr == nil; canPurge != (off >= 0) {
			t.Fatalf("%s after its window ended, a purge gives %v, %v", off, purged, purgeErr)
		}
		if off >= 0 && es.ClassOf(restoreErr) != es.Gone || off < 0 && es.ClassOf(purgeErr) != es.Conflict {
			t.Fatalf("they are refused with %v and %v", restoreErr, purgeErr)
		}
		for _, e := range purged {
			after := kind.EntityOf(kind.Fold(state, es.Envelope{Revision: 3}, e))
			if _, err := after.Restore(env, es.ID{}, false); es.ClassOf(err) != es.Gone {
				t.Fatalf("once purged, a restore gives %v", err)
			}
		}
	})
}
