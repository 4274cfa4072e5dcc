package retention

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

const (
	sweepBatch    = 500
	sweepParallel = 64
)

// Sweep appends Purged to what is past its retention.
type Sweep struct {
	Bus    Bus
	List   List
	Holds  Holds
	Clock  func() time.Time
	Logger *slog.Logger
}

// Swept is what a sweep came to.
type Swept struct {
	Purged int64
	// Refused were restored in the same moment, or purged already.
	Refused int64
	// Held accounts are left as they are by a legal hold.
	Held int
}

// Run purges everything that is due now, in batches, and tells progress how many
// so far. What was cut off is done by the next run: a purge's command id derives
// from the deletion, so that each takes effect once. An aggregate that fails does
// not stop the others; then the first such error comes back.
func (s Sweep) Run(ctx context.Context, progress func(done int64)) (Swept, error) {
	var (
		swept   Swept
		held    []es.ID
		known   = map[es.ID]bool{}
		failed  error
		after   Due
		through = s.Clock()
	)
	for {
		batch, err := s.List.Due(ctx, through, after, held, sweepBatch)
		if err != nil {
			return swept, fmt.Errorf("listing what is to be purged: %w", err)
		}
		if len(batch) == 0 {
			return swept, failed
		}
		after = batch[len(batch)-1]
		clear(known) // a hold counts from the batch after it was placed, at the latest.
		requests := make([]commands.Request, 0, len(batch))
		for _, due := range batch {
			is, asked := known[due.Account]
			if !asked {
				if is, err = s.Holds.Held(ctx, due.Account); err != nil {
					return swept, fmt.Errorf("asking for a legal hold: %w", err)
				}
				if known[due.Account] = is; is {
					held = append(held, due.Account)
					swept.Held++
				}
			}
			if !is {
				requests = append(requests, request(due))
			}
		}
		if err := s.send(ctx, requests, &swept); failed == nil {
			failed = err
		}
		if err := ctx.Err(); err != nil {
			return swept, err
		}
		progress(swept.Purged)
	}
}

func request(due Due) commands.Request {
	return commands.Request{
		Tenant: es.Tenant{Account: due.Account}, Actor: es.System(), Target: due.ID,
		Command: es.Derive(due.Deletion, "purge "+due.Kind+" "+due.ID.String(), 0),
		Payload: commands.Purge{Kind: due.Kind}, Bulk: true,
	}
}

func (s Sweep) send(ctx context.Context, requests []commands.Request, swept *Swept) error {
	_, errs := s.Bus.DoAll(ctx, requests, sweepParallel)
	var first error
	for i, err := range errs {
		switch class := es.ClassOf(err); {
		case err == nil:
			swept.Purged++
		case class == es.Conflict || class == es.Gone || class == es.NotFound:
			swept.Refused++
		default:
			s.Logger.WarnContext(ctx, "a purge failed and is tried again", slog.String("account_id", requests[i].Tenant.Account.String()),
				slog.String("target", requests[i].Target.String()), slog.Any("error", err))
			if first == nil {
				first = fmt.Errorf("purging %s: %w", requests[i].Target, err)
			}
		}
	}
	return first
}
