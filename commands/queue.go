package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/igny8/igny8/domain/es"
)

// call is one command between its caller and its stream's queue.
type call struct {
	Request
	op     Op
	stream es.StreamID
	policy Policy
	// earlier is the revision that an earlier try of the command wrote, found
	// in the log; 0: none, once looked is true.
	earlier int64
	looked  bool
	ctx     context.Context //nolint:containedctx // the deadline and values of the caller, whom the queue outlives.

	mu      sync.Mutex
	taken   bool // the queue works on it
	gone    bool // the caller left before that
	done    chan struct{}
	outcome Outcome
	err     error
}

// abandon takes the call back unless the queue already works on it.
func (c *call) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = !c.taken
	return c.gone
}

// take claims the call for the queue, unless its caller left.
func (c *call) take() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = !c.gone
	return c.taken
}

func (c *call) finish(o Outcome, err error) {
	c.outcome, c.err = o, err
	close(c.done)
}

// queue is the commands that wait for one stream.
type queue struct{ waiting []*call }

// enqueue hands the call to its stream's queue, and starts one where there is
// none.
func (b *Bus) enqueue(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if q := b.queues[c.stream]; q != nil {
		q.waiting = append(q.waiting, c)
		return
	}
	q := &queue{waiting: []*call{c}}
	b.queues[c.stream] = q
	go b.work(c.stream, q)
}

// work carries out what waits until nothing does.
func (b *Bus) work(id es.StreamID, q *queue) {
	for {
		b.mu.Lock()
		n := min(len(q.waiting), b.config.Group)
		calls := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		if n == 0 {
			delete(b.queues, id)
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		taken := calls[:0:0]
		for _, c := range calls {
			if c.take() {
				taken = append(taken, c)
			}
		}
		b.run(id, taken)
	}
}

// run decides the calls one after another and appends what follows as one, as
// often as it takes: a lost race reloads and decides all of them again, a
// refused claim refuses its own command and decides the others again.
func (b *Bus) run(id es.StreamID, calls []*call) {
	var st *stream
	for len(calls) > 0 {
		calls = b.expire(calls)
		if len(calls) == 0 {
			return
		}
		ctx, cancel := latest(calls)
		var err error
		if st == nil {
			st, err = b.begin(ctx, id, calls)
		}
		if err == nil {
			calls, st, err = b.attempt(ctx, st, calls)
		}
		cancel()
		if err != nil {
			b.states.drop(id)
			for _, c := range calls {
				c.finish(Outcome{}, busy(err))
			}
			return
		}
	}
}

// begin is the state to decide on first: what is cached, or nothing at all for
// a create, which hardly ever meets an aggregate; the append finds out.
func (b *Bus) begin(ctx context.Context, id es.StreamID, calls []*call) (*stream, error) {
	if st := b.states.get(id); st != nil {
		return st, nil
	}
	if calls[0].op.verb == create {
		return b.blank(id, calls[0].op.kind), nil
	}
	return b.load(ctx, id, calls[0].op.kind)
}

// attempt decides the calls on st and appends. It answers those that are done
// and gives back the others with the state to go on with, nil for a fresh one.
func (b *Bus) attempt(ctx context.Context, st *stream, calls []*call) ([]*call, *stream, error) {
	g := newGroup(b, st)
	var later []*call
	for i, c := range calls {
		if g.touches(c) {
			later = calls[i:]
			break
		}
		g.decide(ctx, c)
	}
	calls = calls[:len(calls)-len(later)]
	b.config.Step("decided")
	if found, err := b.recall(ctx, st.id, g.unsure(calls)); err != nil || found {
		return append(calls, later...), st, err
	}
	if len(g.events) == 0 {
		return b.confirm(ctx, g, calls, later)
	}
	done, err := b.store.Append(ctx, es.Append{
		Stream: st.id, Expected: st.revision, Events: g.events, Claims: g.claims, Bulk: bulk(calls),
	})
	b.config.Step("appended")
	var wrong *es.WrongRevisionError
	var refused *es.ClaimRefusedError
	switch {
	case errors.As(err, &wrong):
		again, err := b.load(ctx, st.id, st.kind)
		if err == nil && again.revision == st.revision { // then some of the events are stored already.
			_, err = b.recall(ctx, st.id, calls)
		}
		return append(calls, later...), again, err
	case errors.As(err, &refused):
		c, claimErr := g.refused(refused)
		c.finish(Outcome{}, claimErr)
		rest := make([]*call, 0, len(calls)+len(later))
		for _, other := range append(calls, later...) {
			if other != c {
				rest = append(rest, other)
			}
		}
		return rest, st, nil
	case err != nil:
		return append(calls, later...), nil, err
	case done.Repeat:
		again, err := b.load(ctx, st.id, st.kind)
		if err == nil && !again.recent.complete() {
			_, err = b.recall(ctx, st.id, calls)
		}
		return append(calls, later...), again, err
	}
	next := g.settle(done.Position, done.RecordedAt)
	next.checked = b.config.Clock()
	b.share(ctx, next)
	b.answer(ctx, g, calls)
	return later, next, nil
}

// recall looks up in the log what the calls' commands once wrote, however long
// ago, and says whether any did.
func (b *Bus) recall(ctx context.Context, id es.StreamID, calls []*call) (found bool, err error) {
	commands := make([]es.ID, 0, len(calls))
	for _, c := range calls {
		if !c.looked {
			commands = append(commands, c.Command)
		}
	}
	if len(commands) == 0 {
		return false, nil
	}
	revisions, err := b.revisionsOf(ctx, id, commands)
	if err != nil {
		return false, fmt.Errorf("looking for commands in stream %s: %w", id, err)
	}
	for _, c := range calls {
		if !c.looked {
			c.earlier, c.looked = revisions[c.Command], true
			found = found || c.earlier > 0
		}
	}
	return found, nil
}

func (b *Bus) revisionsOf(ctx context.Context, id es.StreamID, commands []es.ID) (map[es.ID]int64, error) {
	if finder, can := b.store.(CommandFinder); can {
		return finder.RevisionsOf(ctx, id, commands)
	}
	recs, err := b.store.ReadStream(ctx, id, 1)
	if err != nil {
		return nil, err
	}
	revisions := map[es.ID]int64{}
	for _, rec := range recs {
		if slices.Contains(commands, rec.Command) {
			revisions[rec.Command] = rec.Revision
		}
	}
	return revisions, nil
}

// confirm answers calls that wrote nothing, once the store says that the state
// they were decided on is the newest.
func (b *Bus) confirm(ctx context.Context, g *group, calls, later []*call) ([]*call, *stream, error) {
	st := g.base
	now, err := b.refresh(ctx, st)
	if err != nil {
		return append(calls, later...), nil, err
	}
	if now.revision != st.revision {
		return append(calls, later...), now, nil
	}
	g.settle(st.position, st.checked)
	b.answer(ctx, g, calls)
	return later, now, nil
}

// answer finishes the calls of a group whose fate is durable.
func (b *Bus) answer(ctx context.Context, g *group, calls []*call) {
	for _, c := range calls {
		if c.err == nil && c.outcome.Repeat && c.outcome.Revision < g.state.revision {
			past, err := b.asOf(ctx, g.state, c.outcome.Revision)
			if err != nil {
				c.finish(Outcome{}, busy(err))
				continue
			}
			c.outcome.State, c.outcome.Row = past.state, past.row
		}
		c.finish(c.outcome, c.err)
	}
}

// expire answers the calls whose callers' time is over.
func (b *Bus) expire(calls []*call) []*call {
	live := calls[:0:0]
	for _, c := range calls {
		if err := c.ctx.Err(); err != nil {
			c.finish(Outcome{}, busy(err))
			continue
		}
		live = append(live, c)
	}
	return live
}

// latest is a context that ends when the last of the callers' does.
func latest(calls []*call) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(calls[0].ctx)
	last, _ := calls[0].ctx.Deadline()
	for _, c := range calls {
		d, ok := c.ctx.Deadline()
		if !ok {
			return context.WithCancel(ctx)
		}
		if d.After(last) {
			last = d
		}
	}
	return context.WithDeadline(ctx, last)
}

func bulk(calls []*call) bool {
	for _, c := range calls {
		if !c.Bulk {
			return false
		}
	}
	return true
}
