package main

import (
	"context"
	"fmt"
	"time"

	"github.com/igny8/igny8/commands/billing"
	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/scheduler"
	"github.com/igny8/igny8/projections"
	billingrows "github.com/igny8/igny8/projections/billing"
)

// credits is what work pays with.
func (b *backend) credits(reader *projections.Reader) *billing.Service {
	return &billing.Service{Bus: b.bus, History: billingrows.NewHistory(reader), Head: b.log.Head}
}

// expireCredits lets reservations and grants expire whose time is over.
func (s *service) expireCredits(ctx context.Context, _ scheduler.Run) (string, error) {
	dues := billingrows.NewDues(s.Pool(postgres.RoleProjector))
	asked, err := billing.ExpireDue(ctx, s.bus, dues, time.Now())
	return fmt.Sprintf("%d ledgers with something due", asked), err
}

// plannerCredits is the billing module as planning asks it; the two modules do
// not know each other.
type plannerCredits struct{ billing *billing.Service }

// Price is what an operation of so many units costs, the same for all accounts.
func (c plannerCredits) Price(ctx context.Context, _ es.ID, operation string, units int64) (int64, error) {
	return c.billing.Price(ctx, operation, units)
}

// Reserve sets credits aside.
func (c plannerCredits) Reserve(ctx context.Context, charge planner.Charge, credits int64, expires time.Time) error {
	return c.billing.Reserve(ctx, billing.Charge(charge), credits, expires)
}

// Commit charges at most what was reserved.
func (c plannerCredits) Commit(ctx context.Context, charge planner.Charge, credits, units int64) error {
	return c.billing.Commit(ctx, billing.Charge(charge), credits, units)
}

// Release frees what was reserved.
func (c plannerCredits) Release(ctx context.Context, charge planner.Charge) error {
	return c.billing.Release(ctx, billing.Charge(charge))
}

var _ planner.Credits = plannerCredits{}
