package retention

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands/retention"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// ReadModels is the read models of this program, as readers of the log.
type ReadModels struct{ Admin *projections.Admin }

// Passed says how far the read models are. One that was never built reads the
// log as it is then, and holds up nothing.
func (r ReadModels) Passed(ctx context.Context) ([]retention.Passed, error) {
	all, err := r.Admin.Status(ctx)
	if err != nil {
		return nil, err
	}
	var passed []retention.Passed
	for _, s := range all {
		if !s.Built {
			continue
		}
		p := retention.Passed{Who: "the read model " + s.Key.Name, Position: s.Position, Parked: map[es.ID]int64{}}
		for _, parked := range s.Parked {
			p.Parked[parked.Account] = parked.Position
		}
		passed = append(passed, p)
	}
	return passed, nil
}

// Purges is what is being destroyed, as who places a legal hold meets it.
type Purges struct{ pool *pgxpool.Pool }

// NewPurges asks through the pool of the role igny8_appender, the only one that
// destroys anything.
func NewPurges(pool *pgxpool.Pool) Purges { return Purges{pool} }

// Await returns once no transaction destroys anything of the account that began
// before.
func (p Purges) Await(ctx context.Context, account es.ID) error {
	if _, err := p.pool.Exec(ctx, `SELECT await_purges($1)`, account); err != nil {
		return fmt.Errorf("waiting for purges in account %s: %w", account, err)
	}
	return nil
}
