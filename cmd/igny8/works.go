package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/inbox"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/scheduler"
	"github.com/igny8/igny8/infra/uploads"
)

// works are what is done periodically.
func (s *service) works() []scheduler.Work {
	logins := s.Pool(postgres.RoleLogin)
	return []scheduler.Work{
		{Name: "idempotency.expire", Spec: "*/10 * * * *", Jitter: time.Minute, Do: deleting(idempotency.New(logins, s.vault).DeleteExpired)},
		{Name: "sessions.expire", Spec: "20 * * * *", Jitter: 5 * time.Minute, Do: deleting(credentials.NewTokens(logins).DeleteExpired)},
		{Name: "credits.expire", Spec: "@every 10s", Do: s.expireCredits},
		{Name: "inbox.prune", Spec: "*/10 * * * *", Jitter: time.Minute, Do: deleting(inbox.New(s.Pool(postgres.RoleProjector)).Prune)},
		{Name: "uploads.expire", Spec: "30 * * * *", Jitter: 5 * time.Minute, Do: deleting(s.expireUploads)},
		{Name: "retention.purge", Spec: "40 * * * *", Jitter: 5 * time.Minute, Limit: time.Hour, Do: s.purge},
		{Name: "retention.blank", Spec: "@every 1m", Limit: time.Hour, Do: s.blank},
		{Name: "erasures.reapply", Spec: "50 * * * *", Jitter: 5 * time.Minute, Do: s.reapply},
	}
}

func (s *service) expireUploads(ctx context.Context, limit int) (int64, error) {
	return uploads.DeleteExpired(ctx, s.Pool(postgres.RoleProjector), limit)
}

// deleteBatch is how many rows one statement deletes.
const deleteBatch = 1000

// deleting deletes what has expired, in batches.
func deleting(batch func(ctx context.Context, limit int) (int64, error)) func(context.Context, scheduler.Run) (string, error) {
	return func(ctx context.Context, run scheduler.Run) (string, error) {
		var deleted int64
		for {
			n, err := batch(ctx, deleteBatch)
			deleted += n
			if err != nil || n < deleteBatch {
				return fmt.Sprintf("%d deleted", deleted), err
			}
			run.Progress("%d deleted", deleted)
		}
	}
}

func (s *service) purge(ctx context.Context, run scheduler.Run) (string, error) {
	swept, err := s.sweep().Run(ctx, func(done int64) { run.Progress("%d purged", done) })
	return fmt.Sprintf("%d purged, %d no longer due, %d accounts under legal hold", swept.Purged, swept.Refused, swept.Held), err
}

func (s *service) blank(ctx context.Context, run scheduler.Run) (string, error) {
	blanked, err := s.blanking().Run(ctx, func(done int64) { run.Progress("%d blanked", done) })
	text := fmt.Sprintf("%d blanked", blanked.Done)
	for _, why := range slices.Sorted(maps.Keys(blanked.Waiting)) {
		text += fmt.Sprintf(", %d wait for %s", blanked.Waiting[why], why)
	}
	return text, err
}

func (s *service) reapply(ctx context.Context, _ scheduler.Run) (string, error) {
	erased, held, err := s.erasure(s.config.ErasureLog).Reapply(ctx)
	return fmt.Sprintf("%d erased again, %d kept by a legal hold", erased, held), err
}

// failsForLong is after how many failures in a row a periodic work degrades a
// process.
const failsForLong = 3

func (s *service) schedulesGoWell(ctx context.Context) error {
	all, err := scheduler.NewTable(s.Pool(postgres.RoleProjector)).List(ctx)
	if err != nil {
		return err
	}
	var failing []string
	for _, w := range all {
		if w.Failures >= failsForLong {
			failing = append(failing, w.Name)
		}
	}
	if len(failing) == 0 {
		return nil
	}
	return es.Refuse(es.Unavailable, "", "Periodic work keeps failing: %s; see igny8 schedules list.", strings.Join(failing, ", "))
}
