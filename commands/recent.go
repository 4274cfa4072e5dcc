package commands

import (
	"slices"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

const (
	// rememberFor is how long a stream knows the ids of its commands.
	// Idempotency keys live as long.
	rememberFor = 24 * time.Hour
	// indexFrom is from how many on they are found by a map.
	indexFrom = 16
)

// recent remembers which commands a stream holds, and up to which revision each
// wrote. What it holds is durable, so all versions of a stream share it.
type recent struct {
	most     int
	mu       sync.Mutex
	commands []remembered // by revision
	first    int          // how many were forgotten: commands[i] is number first+i
	numbers  map[es.ID]int
	forgot   int64 // up to which revision there may be commands that are not held
}

type remembered struct {
	command  es.ID
	revision int64
	at       time.Time
}

func newRecent(most int) *recent { return &recent{most: most} }

// add remembers that the command wrote up to a revision. Saying it again, also
// of what was forgotten, changes nothing.
func (r *recent) add(command es.ID, revision int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, known := r.find(command); known {
		r.commands[i].revision = max(r.commands[i].revision, revision)
		return
	}
	if revision <= r.forgot {
		return
	}
	r.push(remembered{command, revision, at})
	for len(r.commands) > r.most || at.Sub(r.commands[0].at) > rememberFor {
		r.forgot = max(r.forgot, r.commands[0].revision)
		delete(r.numbers, r.commands[0].command)
		r.commands = r.commands[1:]
		r.first++
	}
}

func (r *recent) push(c remembered) {
	r.commands = append(r.commands, c)
	switch n := len(r.commands); {
	case r.numbers != nil:
		r.numbers[c.command] = r.first + n - 1
	case n >= indexFrom:
		r.numbers = make(map[es.ID]int, 2*n)
		for i, known := range r.commands {
			r.numbers[known.command] = r.first + i
		}
	}
}

func (r *recent) find(command es.ID) (int, bool) {
	if r.numbers != nil {
		number, known := r.numbers[command]
		return number - r.first, known
	}
	for i := len(r.commands) - 1; i >= 0; i-- {
		if r.commands[i].command == command {
			return i, true
		}
	}
	return 0, false
}

// revision is the last that the command wrote, 0 if it is not remembered.
func (r *recent) revision(command es.ID) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, known := r.find(command); known {
		return r.commands[i].revision
	}
	return 0
}

// complete says that a command which is not remembered wrote nothing.
func (r *recent) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forgot == 0
}

// all is what it holds, and up to which revision there may be more.
func (r *recent) all() (commands []remembered, forgot int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.commands), r.forgot
}

// recentOf holds what all gave.
func recentOf(most int, commands []remembered, forgot int64) *recent {
	r := &recent{most: most, forgot: forgot}
	for _, c := range commands {
		r.push(c)
	}
	return r
}
