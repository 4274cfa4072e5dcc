package main

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/postgres"
)

// measureAppends compares the store with a plain INSERT per transaction of the
// same row, by more and more callers.
func measureAppends(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	bare, err := bench.NewBare(ctx, in.Pool(postgres.RoleOwner))
	if err != nil {
		return err
	}
	account := newAccount()
	for _, callers := range []int{1, 8, 32, 128} {
		both, err := inTurns(ctx, callers, size.while,
			func(ctx context.Context) error {
				_, err := in.store.Append(ctx, bench.NewAppend(account))
				return err
			},
			func(ctx context.Context) error { return bare.Append(ctx, bench.NewAppend(account)) })
		if err != nil {
			return fmt.Errorf("%d callers: %w", callers, err)
		}
		store, insert, a := both[0], both[1], aim{}
		faster := ratio(store, insert, perSecondOf)
		if callers == 32 {
			a = atLeast(faster.median, 1.4, "x")
		}
		t.row(fmt.Sprintf("appends, %d callers", callers), fmt.Sprintf("%s, p99 %s", perSecond(store.perSecond()), took(store.p99())),
			"bare INSERT per transaction: "+perSecond(insert.perSecond()), faster.times(), a)
	}
	return bare.Close(ctx)
}
