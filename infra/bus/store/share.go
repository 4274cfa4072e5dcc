package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// member is a process that consumes.
type member struct {
	id     uuid.UUID
	groups []string
	left   time.Duration // of its lease
}

// row is a partition as the database has it.
type row struct {
	group    string
	n        int
	owner    *uuid.UUID
	epoch    int64
	position int64
}

// share is what one member has of a group, and is to have.
type share struct {
	held  []int // partitions that are its own, in order
	free  []row // partitions that nobody works in
	quota int   // how many of all it is to have
}

// shareOf looks at one group for one of its members. Partitions are shared out
// evenly; which members have one more differs from group to group. here says
// which rows the member really works in: one that it has by the database alone
// is free. Members that are not alive hold nothing.
func shareOf(me uuid.UUID, group string, alive []member, rows []row, here func(row) bool) share {
	var ids []uuid.UUID
	for _, m := range alive {
		if slices.Contains(m.groups, group) {
			ids = append(ids, m.id)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return cmp.Compare(a.String(), b.String()) })
	var s share
	total := 0
	for _, r := range rows {
		if r.group != group {
			continue
		}
		total++
		switch {
		case r.owner != nil && *r.owner == me && here(r):
			s.held = append(s.held, r.n)
		case r.owner == nil || *r.owner == me || !slices.Contains(ids, *r.owner):
			s.free = append(s.free, r)
		}
	}
	mine := slices.Index(ids, me)
	if mine < 0 {
		return s
	}
	s.quota = total / len(ids)
	turn := (mine + int(group[len(group)-1]) + len(group)) % len(ids)
	if turn < total%len(ids) {
		s.quota++
	}
	// Members begin at different places, so that they seldom want the same one.
	if n := len(s.free); n > 0 {
		at := mine * n / len(ids)
		s.free = append(slices.Clone(s.free[at:]), s.free[:at]...)
	}
	return s
}

// excess are the partitions to give back.
func (s share) excess() []int {
	if len(s.held) <= s.quota {
		return nil
	}
	return s.held[s.quota:]
}

// wanted are the partitions to take.
func (s share) wanted() []row {
	n := min(s.quota-len(s.held), len(s.free))
	if n <= 0 {
		return nil
	}
	return s.free[:n]
}
