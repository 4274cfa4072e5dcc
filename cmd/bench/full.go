package main

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/infra/eventstore/bench"
)

// measureFull compares appends to a full log with appends to an empty one: the
// other of the two is filled first, and then both are appended to in turns.
func measureFull(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	if err := bench.Fill(ctx, in.store, size.full, func(int) {}); err != nil {
		return err
	}
	return onDatabase(ctx, in.folder+"-empty", func(empty *installation) error {
		account := newAccount()
		onEmpty, onFull, err := bench.Compare(ctx, 32, size.while,
			func(ctx context.Context) error {
				_, err := empty.store.Append(ctx, bench.NewAppend(account))
				return err
			},
			func(ctx context.Context) error {
				_, err := in.store.Append(ctx, bench.NewAppend(account))
				return err
			})
		if err != nil {
			return err
		}
		ratio := onEmpty.PerSecond() / onFull.PerSecond()
		t.row(fmt.Sprintf("appends, 32 callers, %dk events in the log", size.full/1000), perSecond(onFull.PerSecond()),
			"none in the log: "+perSecond(onEmpty.PerSecond()), times(ratio), atMost(ratio, 1.3, "x the cost"))
		return nil
	})
}
