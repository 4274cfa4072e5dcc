package commands

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/igny8/igny8/domain/es"
)

const (
	// preparedAtOnce is how many commands of a chunk look at other aggregates
	// at a time.
	preparedAtOnce = 64
	// aloneAtOnce is how many of a chunk that go by themselves do so at a time;
	// the store reads and writes for them together.
	aloneAtOnce = 250
	firstPause  = 5 * time.Millisecond
	longPause   = 500 * time.Millisecond
	// sendsMost bounds how often an append is sent for which the store gives
	// an error that says nothing of its outcome.
	sendsMost = 10
)

// chunk is commands that are decided each on its own stream and go out in one
// append of many. What is not as simple as that goes by itself: what was
// refused or changed nothing on a state that nobody confirmed, a lost race, a
// repeat.
type chunk struct {
	bus      *Bus
	requests []Request
	outcomes []Outcome
	errs     []error

	calls  []*call
	groups []*group // nil where there is nothing to append
	alone  []int
}

func newChunk(b *Bus, requests []Request, outcomes []Outcome, errs []error) *chunk {
	return &chunk{
		bus: b, requests: append([]Request(nil), requests...), outcomes: outcomes, errs: errs,
		calls: make([]*call, len(requests)), groups: make([]*group, len(requests)),
	}
}

// decide prepares and decides all commands of the chunk.
func (k *chunk) decide(ctx context.Context) {
	k.prepare(ctx)
	k.bus.config.Step("prepared")
	states := k.states(ctx)
	for i, c := range k.calls {
		if c == nil {
			continue
		}
		if st := states[i]; st != nil {
			g := newGroup(k.bus, st)
			if g.decide(ctx, c); c.err == nil && len(g.events) > 0 {
				k.groups[i] = g
				continue
			}
		}
		k.alone = append(k.alone, i)
	}
	k.bus.config.Step("decided")
}

// prepare makes the calls. One stays nil where its command is answered already
// or goes by itself.
func (k *chunk) prepare(ctx context.Context) {
	m := newSurroundings(k.bus)
	var looking errgroup.Group
	looking.SetLimit(preparedAtOnce)
	failed := make([]bool, len(k.requests))
	for i, r := range k.requests {
		c, err := k.bus.call(ctx, r)
		if err != nil {
			k.errs[i] = err
			continue
		}
		k.requests[i], k.calls[i] = c.Request, c
		if r.DryRun {
			failed[i] = true
			continue
		}
		if _, looks := r.Payload.(Preparer); looks || c.op.verb == restore {
			looking.Go(func() error {
				failed[i] = m.prepare(ctx, c) != nil
				return nil
			})
			continue
		}
		failed[i] = m.prepare(ctx, c) != nil
	}
	_ = looking.Wait() // the functions give no error.
	for i := range failed {
		if failed[i] {
			k.calls[i] = nil
			k.alone = append(k.alone, i)
		}
	}
}

// states is what each call is decided on: nothing at all for a create, what is
// cached for a change, or read for all at once. It is nil where a call goes by
// itself.
func (k *chunk) states(ctx context.Context) []*stream {
	b := k.bus
	states := make([]*stream, len(k.calls))
	var missing []*call
	for i, c := range k.calls {
		if c == nil {
			continue
		}
		switch st := b.states.get(c.stream); {
		case c.op.verb != create:
			if states[i] = st; st == nil && c.op.kind.SnapshotVersion() == 0 {
				missing = append(missing, c)
			}
		case st == nil:
			states[i] = b.blank(c.stream, c.op.kind)
		}
	}
	read := b.loadMany(ctx, missing)
	for i, c := range k.calls {
		if c != nil && states[i] == nil {
			states[i] = read[c.stream]
		}
	}
	return states
}

// send appends what was decided, and again what has no answer, until ctx ends.
func (k *chunk) send(ctx context.Context) {
	var open []int
	for i, g := range k.groups {
		if g != nil {
			open = append(open, i)
		}
	}
	pause := firstPause
	for sends := 1; len(open) > 0; sends++ {
		open = k.sendOnce(ctx, open, sends == sendsMost)
		if len(open) == 0 {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, longPause)
	}
	k.bus.config.Step("appended")
}

// sendOnce gives those whose fate is unknown, unless they are answered so.
func (k *chunk) sendOnce(ctx context.Context, open []int, last bool) (again []int) {
	appends := make([]es.Append, len(open))
	for n, i := range open {
		g := k.groups[i]
		appends[n] = es.Append{Stream: g.base.id, Expected: g.base.revision, Events: g.events, Claims: g.claims, Bulk: true}
	}
	for n, result := range k.bus.store.AppendMany(ctx, appends) {
		i := open[n]
		var wrong *es.WrongRevisionError
		var refused *es.ClaimRefusedError
		var known *es.Error
		switch err := result.Err; {
		case errors.As(err, &wrong), err == nil && result.Repeat:
			k.alone = append(k.alone, i)
		case err == nil:
			k.settle(ctx, i, result.Appended)
		case errors.As(err, &refused):
			_, k.errs[i] = k.groups[i].refused(refused)
		case ctx.Err() != nil, errors.As(err, &known) && known.Class != es.Unavailable, known == nil && last:
			k.errs[i] = busy(err)
		default:
			again = append(again, i)
		}
	}
	return again
}

func (k *chunk) settle(ctx context.Context, i int, done es.Appended) {
	next := k.groups[i].settle(done.Position, done.RecordedAt)
	next.checked = k.bus.config.Clock()
	k.bus.share(ctx, next)
	k.outcomes[i] = k.calls[i].outcome
}

// sendAlone carries out what goes by itself.
func (k *chunk) sendAlone(ctx context.Context) {
	var missing []*call
	for _, i := range k.alone {
		if c := k.calls[i]; c != nil && k.bus.states.get(c.stream) == nil && c.op.kind.SnapshotVersion() == 0 {
			missing = append(missing, c)
		}
	}
	k.bus.loadMany(ctx, missing)
	var group errgroup.Group
	group.SetLimit(aloneAtOnce)
	for _, i := range k.alone {
		group.Go(func() error {
			k.outcomes[i], k.errs[i] = k.bus.Do(ctx, k.requests[i])
			return nil
		})
	}
	_ = group.Wait() // the functions give no error: each has its place in errs.
}

// surroundings looks once for what many commands have in common: the parents
// that must live, and what the account's settings and plan say.
type surroundings struct {
	bus      *Bus
	mu       sync.Mutex
	aligned  map[placed]alignment
	policies map[es.ID]Policy
}

type placed struct {
	place  Place
	tenant es.Tenant
}

type alignment struct {
	tenant es.Tenant
	err    error
}

func newSurroundings(b *Bus) *surroundings {
	return &surroundings{bus: b, aligned: map[placed]alignment{}, policies: map[es.ID]Policy{}}
}

// prepare is Bus.prepare with what is known already. After an error Do finds
// out what to say.
func (s *surroundings) prepare(ctx context.Context, c *call) (err error) {
	if p, ok := c.Payload.(Preparer); ok {
		if c.Payload, err = p.Prepare(ctx, s.bus, c.Request); err != nil {
			return err
		}
	}
	switch c.op.verb {
	case create:
		c.Tenant, err = s.align(ctx, c.op.place, c.Tenant, c.Target)
	case restore:
		err = s.bus.alignRestore(ctx, c)
	case change, remove, purge:
	}
	if err != nil {
		return err
	}
	c.policy, err = s.policy(ctx, c)
	return err
}

func (s *surroundings) align(ctx context.Context, place Place, t es.Tenant, self es.ID) (es.Tenant, error) {
	if place == IsSite || place == IsSector { // then it depends on which one.
		err := s.bus.align(ctx, place, &t, self)
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := placed{place, t}
	known, ok := s.aligned[key]
	if !ok {
		err := s.bus.align(ctx, place, &t, self)
		known = alignment{t, err}
		s.aligned[key] = known
	}
	return known.tenant, known.err
}

func (s *surroundings) policy(ctx context.Context, c *call) (Policy, error) {
	if s.bus.accounts == nil || c.Tenant.Account == c.Target {
		return s.bus.policy(ctx, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.policies[c.Tenant.Account]
	if !ok {
		var err error
		if known, err = s.bus.policy(ctx, c); err != nil {
			return Policy{}, err
		}
		s.policies[c.Tenant.Account] = known
	}
	return known, nil
}
