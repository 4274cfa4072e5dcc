package store

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestSharesAreEvenAndAllPartitionsFindAnOwner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := make([]member, rapid.IntRange(1, 6).Draw(t, "members"))
		for i := range members {
			members[i] = member{id: uuid.New(), groups: []string{"g"}}
		}
		stranger := uuid.New()
		rows := make([]row, rapid.IntRange(1, 20).Draw(t, "partitions"))
		for n := range rows {
			rows[n] = row{group: "g", n: n}
			switch at := rapid.IntRange(-2, len(members)-1).Draw(t, "owner"); at {
			case -2:
			case -1:
				rows[n].owner = &stranger
			default:
				rows[n].owner = &members[at].id
			}
		}
		here := func(row) bool { return true }
		for range 2 { // once they give back, then they take.
			for i, m := range members {
				s := shareOf(m.id, "g", members, rows, here)
				for _, n := range s.excess() {
					rows[n].owner = nil
				}
				for _, r := range s.wanted() {
					rows[r.n].owner = &members[i].id
				}
			}
		}
		for _, m := range members {
			s := shareOf(m.id, "g", members, rows, here)
			if len(s.held) != s.quota || len(s.free) > 0 || s.quota < len(rows)/len(members) || s.quota > len(rows)/len(members)+1 {
				t.Fatalf("of %d partitions among %d it holds %d, is to hold %d, and %d are free", len(rows), len(members), len(s.held), s.quota, len(s.free))
			}
		}
	})
}

func TestAMemberOfOtherGroupsHasNoShare(t *testing.T) {
	t.Parallel()
	me, other := member{id: uuid.New(), groups: []string{"g"}}, member{id: uuid.New(), groups: []string{"h"}}
	rows := []row{{group: "g", n: 0, owner: &other.id}, {group: "g", n: 1, owner: &me.id}, {group: "h", n: 0}}
	s := shareOf(me.id, "g", []member{me, other}, rows, func(row) bool { return false })
	if s.quota != 2 || len(s.held) != 0 || len(s.wanted()) != 2 {
		t.Errorf("%+v", s)
	}
	if s := shareOf(other.id, "g", []member{me, other}, rows, func(row) bool { return true }); s.quota != 0 || slices.Contains(s.held, 1) {
		t.Errorf("the other: %+v", s)
	}
}
