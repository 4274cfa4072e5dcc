package projections

import (
	"context"
	"errors"
)

// advancer moves the checkpoints of projections that a page has nothing for,
// as many as are waiting in one statement.
type advancer struct{ waiting chan advance }

type advance struct {
	step
	done chan error
}

func newAdvancer() *advancer { return &advancer{waiting: make(chan advance, 64)} }

var errAdvancerFailed = errors.New("the shared checkpoint statement failed")

// move returns once the step is made.
func (a *advancer) move(ctx context.Context, s step) error {
	request := advance{s, make(chan error, 1)}
	select {
	case a.waiting <- request:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-request.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *advancer) take(ctx context.Context) ([]advance, error) {
	var all []advance
	select {
	case first := <-a.waiting:
		all = append(all, first)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		select {
		case more := <-a.waiting:
			all = append(all, more)
		default:
			return all, nil
		}
	}
}

// advance serves the advancer until its connection dies.
func (r *Runner) advance(ctx context.Context) error {
	conn, err := own(ctx, r.pool)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	for {
		requests, err := r.advancer.take(ctx)
		if err != nil {
			return err
		}
		steps := make([]step, len(requests))
		for i, request := range requests {
			steps[i] = request.step
		}
		moved, err := moveAll(ctx, conn, steps)
		for i, request := range requests {
			switch {
			case err != nil:
				request.done <- errors.Join(errAdvancerFailed, err)
			case moved[i]:
				request.done <- nil
			default:
				request.done <- errFenced
			}
		}
		if err != nil {
			return err
		}
	}
}
