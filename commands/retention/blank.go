package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/igny8/igny8/domain/es"
)

const (
	blankBatch    = 500
	blankParallel = 3
)

// Blanking destroys what Purged events stand for, once everybody who reads the
// log has passed them.
type Blanking struct {
	Worklist Worklist
	Readers  []Readers
	Holds    Holds
	Store    Store
	// FollowUps are done before the events are blanked, by the kind of the
	// aggregate.
	FollowUps map[string]FollowUp
	// Patience is how long a run waits for readers who are behind.
	Patience time.Duration
	// Step is called between the steps of a purge with their names; tests kill
	// the process there. It may be nil.
	Step func(name string)
}

// Blanked is what a run came to.
type Blanked struct {
	Done int64
	// Waiting counts those that are not done, by why.
	Waiting map[string]int64
}

// Run destroys what can be destroyed, in the order of the Purged events, and
// tells progress how many so far. What waits, because of somebody who is behind
// or parked, or a legal hold, holds up nothing of other accounts, and neither
// does one that fails; then the first error comes back. A run that was cut off is
// taken up by the next one.
func (b Blanking) Run(ctx context.Context, progress func(done int64)) (Blanked, error) {
	blanked := Blanked{Waiting: map[string]int64{}}
	through, err := b.Worklist.Collect(ctx)
	if err != nil {
		return blanked, fmt.Errorf("collecting what was purged: %w", err)
	}
	b.step("collected")
	var (
		passed []Passed
		failed error
	)
	for after := int64(0); ; {
		batch, err := b.Worklist.Open(ctx, after, blankBatch)
		if err != nil {
			return blanked, fmt.Errorf("reading what is to be blanked: %w", err)
		}
		if len(batch) == 0 {
			return blanked, failed
		}
		if passed == nil {
			if passed, err = b.await(ctx, through); err != nil {
				return blanked, err
			}
		}
		after = batch[len(batch)-1].Position
		if err := b.batch(ctx, batch, passed, &blanked); err != nil && failed == nil {
			failed = err
		}
		if err := ctx.Err(); err != nil {
			return blanked, err
		}
		progress(blanked.Done)
	}
}

// await asks the readers how far they are, again until all are past the
// position, or Patience is over.
func (b Blanking) await(ctx context.Context, position int64) ([]Passed, error) {
	ending, cancel := context.WithTimeout(ctx, b.Patience)
	defer cancel()
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		passed, err := b.passed(ctx)
		if err != nil || !slices.ContainsFunc(passed, func(p Passed) bool { return p.Position < position }) {
			return passed, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ending.Done():
			return passed, nil
		}
	}
}

func (b Blanking) passed(ctx context.Context) ([]Passed, error) {
	all := []Passed{}
	for _, readers := range b.Readers {
		passed, err := readers.Passed(ctx)
		if err != nil {
			return nil, fmt.Errorf("asking how far the log was read: %w", err)
		}
		all = append(all, passed...)
	}
	return all, nil
}

// batch sorts the purges into those that can be done and those that wait, and
// does the former.
func (b Blanking) batch(ctx context.Context, batch []Purge, passed []Passed, blanked *Blanked) error {
	held, waiting := map[es.ID]bool{}, map[string][]Purge{}
	var ready []Purge
	for _, p := range batch {
		why := waitsFor(p, passed)
		if why == "" {
			is, asked := held[p.Stream.Account]
			if !asked {
				var err error
				if is, err = b.Holds.Held(ctx, p.Stream.Account); err != nil {
					return fmt.Errorf("asking for a legal hold: %w", err)
				}
				held[p.Stream.Account] = is
			}
			if is {
				why = OnHold
			}
		}
		if why == "" {
			ready = append(ready, p)
			continue
		}
		waiting[why] = append(waiting[why], p)
	}
	done, refused, failed := b.all(ctx, ready)
	if len(refused) > 0 {
		waiting[OnHold] = append(waiting[OnHold], refused...)
	}
	b.step("blanked")
	if err := b.Worklist.Done(ctx, done); err != nil {
		return fmt.Errorf("ticking off what was blanked: %w", err)
	}
	b.step("done")
	blanked.Done += int64(len(done))
	for why, purges := range waiting {
		blanked.Waiting[why] += int64(len(purges))
		if err := b.Worklist.Waits(ctx, why, purges); err != nil {
			return fmt.Errorf("noting what purges wait for: %w", err)
		}
	}
	return failed
}

// OnHold is what a purge waits for under a legal hold.
const OnHold = "a legal hold"

func waitsFor(p Purge, passed []Passed) string {
	for _, reader := range passed {
		at, parked := reader.Parked[p.Stream.Account]
		switch {
		case parked && p.Position >= at:
			return reader.Who + ", where the account is parked"
		case p.Position > reader.Position:
			return reader.Who + ", which is behind"
		}
	}
	return ""
}

// all destroys the purges' data. It gives those that are done, those that a
// legal hold refused at the last moment, and the first other error.
func (b Blanking) all(ctx context.Context, purges []Purge) (done, refused []Purge, failed error) {
	errs := make([]error, len(purges))
	var group errgroup.Group
	group.SetLimit(blankParallel)
	for i, p := range purges {
		group.Go(func() error {
			errs[i] = b.one(ctx, p)
			return nil
		})
	}
	_ = group.Wait() // each has its place in errs.
	for i, err := range errs {
		switch {
		case err == nil:
			done = append(done, purges[i])
		case isHeld(err):
			refused = append(refused, purges[i])
		case failed == nil:
			failed = fmt.Errorf("blanking %s: %w", purges[i].Stream, err)
		}
	}
	return done, refused, failed
}

// one destroys a person's keys before their events, so that whoever is cut off
// in between leaves less that can be read, and never more.
func (b Blanking) one(ctx context.Context, p Purge) error {
	if f := b.FollowUps[p.Stream.Kind]; f != nil {
		if err := f(ctx, p); err != nil {
			return err
		}
		b.step("followed up")
	}
	if err := b.Store.Purge(ctx, p.Stream, p.Revision-1); err != nil {
		return err
	}
	b.step("stream blanked")
	return nil
}

func (b Blanking) step(name string) {
	if b.Step != nil {
		b.Step(name)
	}
}
