package projections

import (
	"context"
	"sync"
)

// Positions is how far the runner of this process has brought each projection
// that it feeds. Readers wait on it instead of asking the database.
type Positions struct {
	mu      sync.Mutex
	at      map[Key]int64
	changed chan struct{}
}

// NewPositions knows of no projection yet.
func NewPositions() *Positions {
	return &Positions{at: map[Key]int64{}, changed: make(chan struct{})}
}

func (p *Positions) set(key Key, position int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[key] = position
	p.wake()
}

func (p *Positions) forget(key Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, key)
	p.wake()
}

func (p *Positions) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// reached says whether all keys are at or past a position, whether all of them
// are fed by this process, and what to wait on for news.
func (p *Positions) reached(keys []Key, position int64) (reached, fed bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reached, fed = true, true
	for _, k := range keys {
		at, ok := p.at[k]
		reached, fed = reached && at >= position, fed && ok
	}
	return reached && fed, fed, p.changed
}

// wait returns true as soon as the keys are at or past a position, and false as
// soon as this process does not feed all of them, or the context ends.
func (p *Positions) wait(ctx context.Context, keys []Key, position int64) bool {
	for {
		reached, fed, changed := p.reached(keys, position)
		if reached || !fed {
			return reached
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
