package commands

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// CreateMany creates aggregates in the order given, in few large appends that
// give way to people who wait, and answers each in the same order. What is
// limited is taken in that order: of more than fit, the last are refused. Each
// create stands for itself and means what it does in Do, also when it is
// repeated; every payload must be a declared create. Where it is es.Unavailable
// for some, the same requests again find out.
func (b *Bus) CreateMany(ctx context.Context, requests []Request) ([]Outcome, []error) {
	return b.inChunks(ctx, requests)
}

// DoAll carries out many commands, each alone, at most parallel at a time, and
// answers each in the same order. Where all of them are Bulk they share reads
// and appends instead, in chunks whose size does not depend on parallel.
func (b *Bus) DoAll(ctx context.Context, requests []Request, parallel int) ([]Outcome, []error) {
	if len(requests) > 1 && allBulk(requests) {
		return b.inChunks(ctx, requests)
	}
	outcomes, errs := make([]Outcome, len(requests)), make([]error, len(requests))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, r := range requests {
		group.Go(func() error {
			outcomes[i], errs[i] = b.Do(ctx, r)
			return nil
		})
	}
	_ = group.Wait() // the functions give no error: each has its place in errs.
	return outcomes, errs
}

func allBulk(requests []Request) bool {
	for i := range requests {
		if !requests[i].Bulk {
			return false
		}
	}
	return true
}

// inChunks decides a chunk while the one before it is on its way to the store.
func (b *Bus) inChunks(ctx context.Context, requests []Request) ([]Outcome, []error) {
	outcomes, errs := make([]Outcome, len(requests)), make([]error, len(requests))
	chunks := make(chan *chunk)
	go func() {
		defer close(chunks)
		for from := 0; from < len(requests); from += b.config.Chunk {
			to := min(from+b.config.Chunk, len(requests))
			c := newChunk(b, requests[from:to], outcomes[from:to], errs[from:to])
			c.decide(ctx)
			chunks <- c
		}
	}()
	for c := range chunks {
		c.send(ctx)
		c.sendAlone(ctx)
	}
	return outcomes, errs
}
