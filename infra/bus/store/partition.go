package store

import (
	"context"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
)

const (
	// drainFor is how long a message in flight may take when its partition is
	// given back, before its context ends.
	drainFor = 2 * time.Second
	// abandonFor is how long a message whose context ended is waited for.
	abandonFor = 5 * time.Second
	// firstAgain and longAgain bound the pause before a message that was not
	// acknowledged is delivered again.
	firstAgain = 10 * time.Millisecond
	longAgain  = time.Second
	// saveEach is after how many messages a checkpoint is written at once.
	saveEach = 64
)

// partition is a share of a group's aggregates, worked in by this process at one
// epoch.
type partition struct {
	g     *group
	n     int
	epoch int64

	ctx    context.Context // of the messages
	cancel context.CancelFunc
	stop   chan struct{} // closed when no further message is to be delivered
	once   sync.Once
	done   chan struct{} // closed when the worker ended

	mu      sync.Mutex
	bell    chan struct{}
	queue   []item
	bytes   int
	working bool
	read    int64     // the log up to here is in queue, or was
	fed     time.Time // when it was last read for
	handled int64     // everything up to here was acknowledged
	saved   int64
	touched bool // handled moved because of a message, not of others'
	since   int  // messages handled since it was saved
	waiters []waiter
	replays map[es.ID]bool
}

// item is an event to deliver.
type item struct {
	rec    es.Recorded
	replay bool
}

// waiter waits until a position is handled.
type waiter struct {
	position int64
	passed   chan struct{}
}

func newPartition(g *group, n int, epoch, position int64) *partition {
	ctx, cancel := context.WithCancel(context.Background())
	return &partition{
		g: g, n: n, epoch: epoch, ctx: ctx, cancel: cancel, stop: make(chan struct{}), done: make(chan struct{}),
		bell: make(chan struct{}, 1), read: position, handled: position, saved: position, replays: map[es.ID]bool{},
	}
}

// place is up to where it has the log, when it was last fed, and whether it has
// room for more.
func (p *partition) place() (read int64, fed time.Time, hungry bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read, p.fed, p.hungry()
}

func (p *partition) hungry() bool { return len(p.queue) < room && p.bytes < roomBytes }

// feed takes its events of a stretch of the log, if that begins where it is or
// before, and reaches beyond.
func (p *partition) feed(from, through int64, events []es.Recorded, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read < from || p.read >= through || !p.hungry() {
		return
	}
	for _, rec := range events {
		if rec.Position > p.read {
			p.queue = append(p.queue, item{rec: rec})
			p.bytes += len(rec.Data)
		}
	}
	p.read, p.fed = through, now
	p.rest()
	ring(p.bell)
}

// replay adds a dead letter behind what is there, once.
func (p *partition) replay(rec es.Recorded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replays[rec.ID] {
		return
	}
	p.replays[rec.ID] = true
	p.queue = append(p.queue, item{rec, true})
	p.bytes += len(rec.Data)
	ring(p.bell)
}

// rest moves the checkpoint over others' events while there is nothing to do.
func (p *partition) rest() {
	if len(p.queue) == 0 && !p.working {
		p.handled = p.read
		p.tell()
	}
}

func (p *partition) tell() {
	left := p.waiters[:0]
	for _, w := range p.waiters {
		if w.position <= p.handled {
			close(w.passed)
		} else {
			left = append(left, w)
		}
	}
	p.waiters = left
}

// passed is closed when the position is handled.
func (p *partition) passed(position int64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := waiter{position, make(chan struct{})}
	p.waiters = append(p.waiters, w)
	p.tell()
	return w.passed
}

// work delivers message by message, each when the one before was acknowledged.
// It begins when who worked here before has ended.
func (p *partition) work(before <-chan struct{}) {
	defer close(p.done)
	defer p.cancel()
	if before != nil {
		<-before
	}
	for {
		next, ok := p.take()
		if !ok || !p.deliver(next) {
			return
		}
		p.settle(next)
	}
}

// take waits for the next event; it is false when there will be none.
func (p *partition) take() (item, bool) {
	for {
		select {
		case <-p.stop:
			return item{}, false
		default:
		}
		p.mu.Lock()
		if len(p.queue) > 0 {
			full := !p.hungry()
			next := p.queue[0]
			p.queue[0] = item{}
			p.queue = p.queue[1:]
			p.bytes -= len(next.rec.Data)
			p.working = true
			if full && p.hungry() {
				ring(p.g.bell)
			}
			p.mu.Unlock()
			return next, true
		}
		p.mu.Unlock()
		select {
		case <-p.bell:
		case <-p.stop:
			return item{}, false
		}
	}
}

// deliver hands an event out until it is acknowledged; false means that it
// never was.
func (p *partition) deliver(next item) bool {
	for again := firstAgain; ; again = min(2*again, longAgain) {
		if !p.leased() {
			return false
		}
		m := bus.Message(next.rec)
		m.SetContext(p.ctx)
		if next.replay {
			m.Metadata.Set(bus.ReplayKey, "true")
		}
		if !p.g.send(m, next.rec.Type, p.stop) {
			return false
		}
		select {
		case <-m.Acked():
			return true
		case <-m.Nacked():
		case <-p.ctx.Done():
			select {
			case <-m.Acked():
				return true
			case <-m.Nacked():
			case <-time.After(abandonFor):
			}
			return false
		}
		select {
		case <-time.After(again):
		case <-p.stop:
			return false
		}
	}
}

// leased waits until the partition is surely the process's; after a freeze it
// may be somebody else's, and nothing may be delivered before that is known.
func (p *partition) leased() bool {
	for !p.g.bus.ours() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.stop:
			return false
		}
	}
	return true
}

// settle takes an acknowledged event into the checkpoint.
func (p *partition) settle(done item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working = false
	if done.replay {
		delete(p.replays, done.rec.ID)
		p.rest()
		return
	}
	p.handled = done.rec.Position
	p.touched = true
	p.since++
	p.rest()
	p.tell()
	if len(p.queue) == 0 || p.since >= saveEach {
		ring(p.g.bus.saves.now)
	} else {
		ring(p.g.bus.saves.soon)
	}
}

// halt lets the message in flight be the last.
func (p *partition) halt() { p.once.Do(func() { close(p.stop) }) }

// drain ends the work: with the message in flight, or without it when that takes
// long.
func (p *partition) drain() {
	p.halt()
	select {
	case <-p.done:
	case <-time.After(drainFor):
		p.cancel()
		<-p.done
	}
}

// abandon ends the work at once.
func (p *partition) abandon() {
	p.halt()
	p.cancel()
}
