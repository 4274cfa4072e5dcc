package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Admin is what operators, and a start, do with projections: build what is
// missing, rebuild, compare, look, and let parked accounts go on. Live ones go
// on serving meanwhile. Its connections are its own, opened when needed.
type Admin struct {
	// Owner is the pool of the role igny8_owner, which makes tables; Projector
	// that of igny8_projector.
	Owner, Projector *pgxpool.Pool
	Log              Log
	Registry         *es.Registry
	Projections      []Projection
	// Logger, if any, is told when a load has to go the slow way.
	Logger *slog.Logger
}

// Status is what the database knows of a projection.
type Status struct {
	Key     Key
	Built   bool
	BuiltAt time.Time
	// Position is how far it has read; Lag is how many events of the log
	// follow, and RecordedAt when the last that it read was recorded.
	Position   int64
	Lag        int64
	RecordedAt time.Time
	Parked     []Parked
}

// Parked is an account whose events wait, from the one at Position on, because
// it could not be applied. Error says why, for operators.
type Parked struct {
	Account  es.ID
	Position int64
	Error    string
	Attempts int
	Since    time.Time
}

// Status tells of every projection, in the order they were given.
func (a *Admin) Status(ctx context.Context) ([]Status, error) {
	head, err := a.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Status, len(a.Projections))
	for i, p := range a.Projections {
		if all[i], err = a.status(ctx, p.Key(), head); err != nil {
			return nil, fmt.Errorf("status of %s: %w", p.Key(), err)
		}
	}
	return all, nil
}

func (a *Admin) status(ctx context.Context, key Key, head int64) (Status, error) {
	s := Status{Key: key, Built: true}
	var at *time.Time
	err := a.Projector.QueryRow(ctx, `SELECT position, recorded_at, built_at FROM projection_checkpoints
		WHERE name = $1 AND version = $2`, key.Name, key.Version).Scan(&s.Position, &at, &s.BuiltAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Status{Key: key, Lag: head}, nil
	} else if err != nil {
		return s, err
	}
	if at != nil {
		s.RecordedAt = *at
	}
	s.Lag = max(0, head-s.Position)
	rows, err := a.Projector.Query(ctx, `SELECT account_id, position, error, attempts, parked_at FROM projection_parked
		WHERE name = $1 AND version = $2 ORDER BY position`, key.Name, key.Version)
	if err != nil {
		return s, err
	}
	s.Parked, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Parked, err error) {
		return p, row.Scan(&p.Account, &p.Position, &p.Error, &p.Attempts, &p.Since)
	})
	return s, err
}

// named are the projections of the names; no names are all of them. An unknown
// one is es.NotFound.
func (a *Admin) named(names []string) ([]Projection, error) {
	if len(names) == 0 {
		return a.Projections, nil
	}
	var all []Projection
	for _, name := range names {
		i := slices.IndexFunc(a.Projections, func(p Projection) bool { return p.Key().Name == name })
		if i < 0 {
			return nil, es.Refuse(es.NotFound, "", "There is no projection named %q.", name)
		}
		all = append(all, a.Projections[i])
	}
	return all, nil
}

// filterOf is what a projection reads of the log.
func filterOf(p Projection) es.Filter { return es.Filter{Types: p.Wants()} }
