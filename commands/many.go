package commands

import "context"

// CreateMany creates aggregates in the order given, in few large appends that
// give way to people who wait, and answers each in the same order. What is
// limited is taken in that order: of more than fit, the last are refused. Each
// create stands for itself and means what it does in Do, also when it is
// repeated; every payload must be a declared create. Where it is es.Unavailable
// for some, the same requests again find out.
func (b *Bus) CreateMany(ctx context.Context, requests []Request) ([]Outcome, []error) {
	return b.DoAll(ctx, requests, 1)
}
