package main

import (
	"context"
	"log/slog"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
	"github.com/igny8/igny8/infra/config"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/scheduler"
	"github.com/igny8/igny8/migrations"
	"github.com/igny8/igny8/projections"
)

// allParts are the commands of the real program.
func allParts() parts {
	return parts{
		serve: serveWith(backendOptions{}),
		migrations: func(ctx context.Context, c config.Config, log *slog.Logger) (migrator, func() error, error) {
			d, err := reachDatabase(ctx, c, log, true)
			if err != nil {
				return nil, nil, err
			}
			return migration{d, log}, d.close, nil
		},
		projections: func(ctx context.Context, c config.Config, log *slog.Logger) (projectionKeeper, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return keeperOf{b.admin()}, b.close, nil
		},
		log: func(ctx context.Context, c config.Config, log *slog.Logger) (projections.Log, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return b.log, b.close, nil
		},
		deadletters: func(ctx context.Context, c config.Config, log *slog.Logger) (letterKeeper, func() error, error) {
			d, err := openDatabase(ctx, c, log, true)
			if err != nil {
				return nil, nil, err
			}
			return deadletter.New(d.Pool(postgres.RoleProjector)), d.close, nil
		},
		admins: func(ctx context.Context, c config.Config, log *slog.Logger) (adminMaker, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return platformAdmins{b.identity}, b.close, nil
		},
		demonstrators: func(ctx context.Context, c config.Config, log *slog.Logger) (demonstrator, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return demonstrations{b}, b.close, nil
		},
		tasks: func(ctx context.Context, c config.Config, log *slog.Logger) (taskKeeper, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return taskKeeping{b.taskTable(), b.bus}, b.close, nil
		},
		schedules: func(ctx context.Context, c config.Config, log *slog.Logger) (scheduleKeeper, func() error, error) {
			b, err := openBackend(ctx, c, log, backendOptions{attach: true})
			if err != nil {
				return nil, nil, err
			}
			return scheduler.NewTable(b.Pool(postgres.RoleProjector)), b.close, nil
		},
	}
}

// migration brings the database's schema up to date.
type migration struct {
	*database
	log *slog.Logger
}

// Pending names the migrations that are missing.
func (s migration) Pending(ctx context.Context) ([]string, error) {
	return migrations.Pending(ctx, s.adminURL)
}

// Migrate applies what is missing and names it.
func (s migration) Migrate(ctx context.Context, replacePasswords bool) ([]string, error) {
	up := migrations.Up
	if replacePasswords {
		up = migrations.UpReplacingPasswords
	}
	return up(ctx, s.adminURL, s.rolesKey(), s.log)
}

type platformAdmins struct{ service *identity.Service }

// CreateAdmin makes an administrator in the platform's own account.
func (p platformAdmins) CreateAdmin(ctx context.Context, a newAdmin) (es.ID, error) {
	return p.service.CreateAdmin(ctx, es.PlatformAccount, identity.NewAdmin{
		Email: a.Email, Password: a.Password, FirstName: a.FirstName, LastName: a.LastName,
	})
}

// keeperOf looks after the read models with the kernel's administration.
type keeperOf struct{ admin *projections.Admin }

// Status tells about every projection that this program knows.
func (k keeperOf) Status(ctx context.Context) ([]projectionStatus, error) {
	all, err := k.admin.Status(ctx)
	if err != nil {
		return nil, err
	}
	statuses := make([]projectionStatus, 0, len(all))
	for _, s := range all {
		status := projectionStatus{
			Name: s.Key.Name, Version: s.Key.Version, Position: s.Position, Head: s.Position + s.Lag, Parked: []parkedAccount{},
		}
		for _, p := range s.Parked {
			status.Parked = append(status.Parked, parkedAccount{Account: p.Account, Position: p.Position, Since: p.Since, Error: p.Error})
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// Rebuild makes a read model anew beside the old one.
func (k keeperOf) Rebuild(ctx context.Context, name string, tell tellProgress) (events int64, err error) {
	err = k.admin.Rebuild(ctx, []string{name}, func(p projections.Progress) {
		if p.Stage == projections.Loading {
			events = p.Done
		}
		tell(string(p.Stage), p.Done, p.Total)
	})
	return events, err
}

// Compare counts the rows that differ from what the events say.
func (k keeperOf) Compare(ctx context.Context, name string, tell tellProgress) (differing int64, err error) {
	found, err := k.admin.Compare(ctx, []string{name}, func(p projections.Progress) { tell(string(p.Stage), p.Done, p.Total) })
	return int64(len(found)), err
}

// Retry tries a parked account's events again.
func (k keeperOf) Retry(ctx context.Context, name string, account es.ID) error {
	return k.admin.Retry(ctx, name, account)
}
