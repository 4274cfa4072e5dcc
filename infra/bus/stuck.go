package bus

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// stuckFor is how long a failure is told after it was last seen: the event may
// have gone to another process since.
const stuckFor = 15 * time.Second

// stuck knows which events cannot be handled because something is not there.
type stuck struct {
	mu sync.Mutex
	at map[stuckKey]stuckAt
}

type stuckKey struct {
	group string
	event es.ID
}

type stuckAt struct {
	position int64
	name     string
	last     time.Time
}

func (s *stuck) set(group string, rec es.Recorded, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[stuckKey{group, rec.ID}] = stuckAt{rec.Position, rec.Type, now}
}

func (s *stuck) clear(group string, event es.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, stuckKey{group, event})
}

func (s *stuck) list(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for key, at := range s.at {
		if now.Sub(at.last) > stuckFor {
			delete(s.at, key)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s cannot get past position %d (%s)", key.group, at.position, at.name))
	}
	slices.Sort(lines)
	return lines
}
