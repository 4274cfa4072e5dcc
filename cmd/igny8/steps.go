package main

import (
	"context"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// steppedKeys names the steps around Idempotency-Keys to step, as
// commands.Config.Step does for those of a command.
type steppedKeys struct {
	commands.Idempotency
	step func(string)
}

// Reserve is followed by "key reserved".
func (k steppedKeys) Reserve(ctx context.Context, key commands.IdempotencyKey, fingerprint []byte, command es.ID, lease time.Duration) (commands.Reservation, error) {
	r, err := k.Idempotency.Reserve(ctx, key, fingerprint, command, lease)
	k.step("key reserved")
	return r, err
}

// Complete is between "answer known" and "answer kept".
func (k steppedKeys) Complete(ctx context.Context, key commands.IdempotencyKey, command es.ID, answer commands.Answer) error {
	k.step("answer known")
	err := k.Idempotency.Complete(ctx, key, command, answer)
	k.step("answer kept")
	return err
}
