package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/config"
	"github.com/igny8/igny8/infra/observe"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/scheduler"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/system"
)

// drain bounds how long a stop waits for requests that are in flight.
const drain = 20 * time.Second

// service is one process that serves: the backend and the parts of the roles it
// plays.
type service struct {
	*backend
	config    config.Config
	positions *projections.Positions
	runner    *projections.Runner // nil without the role
	consumers *consumers
	metrics   *prometheus.Registry
	observed  *observe.Instruments
}

// serveWith gives the serve command of parts.
func serveWith(o backendOptions) serve {
	return func(ctx context.Context, c config.Config, log *slog.Logger, listening func(string)) (err error) {
		metrics := observe.NewRegistry(version())
		observed := observe.NewInstruments(metrics)
		o.batches = observed.ObserveBatch
		b, err := openBackend(ctx, c, log, o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.close()) }()
		if err := b.reapplyErasures(ctx, c.ErasureLog); err != nil {
			return err
		}
		if err := b.admin().Ensure(ctx, logBuild(ctx, log)); err != nil {
			return err
		}
		s := &service{backend: b, config: c, positions: projections.NewPositions(), metrics: metrics, observed: observed}
		return s.run(ctx, listening)
	}
}

func logBuild(ctx context.Context, log *slog.Logger) func(projections.Progress) {
	last := map[projections.Key]projections.Stage{}
	return func(p projections.Progress) {
		if last[p.Key] != p.Stage {
			last[p.Key] = p.Stage
			log.InfoContext(ctx, "building a read model",
				slog.String("projection", p.Key.String()), slog.String("stage", string(p.Stage)))
		}
	}
}

// run plays the roles. When ctx ends, requests in flight are finished first and
// what works behind them stops after that, so that their answers come.
func (s *service) run(ctx context.Context, listening func(string)) error {
	behind, stopBehind := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBehind()
	group, groupCtx := errgroup.WithContext(ctx)
	if err := s.prepare(); err != nil {
		return err
	}
	if s.runner != nil {
		observe.CollectProjections(s.metrics, s.runner.Stats)
		group.Go(func() error { return ended(behind, s.runner.Run(behind)) })
	}
	if s.config.Has(config.Consumer) {
		group.Go(func() error { return ended(behind, s.consumers.run(behind)) })
	}
	if s.config.Has(config.Worker) {
		worker := s.newWorker()
		group.Go(func() error { return ended(behind, worker.Run(behind)) })
	}
	if s.config.Has(config.Scheduler) {
		works := scheduler.New(scheduler.Config{Pool: s.Pool(postgres.RoleProjector), Works: s.works(), Logger: s.logger})
		scheduler.Collect(s.metrics, scheduler.NewTable(s.Pool(postgres.RoleProjector)))
		group.Go(func() error { return ended(behind, works.Run(behind)) })
	}
	if s.config.MetricsListen != "" {
		m, err := observe.ListenMetrics(ctx, s.config.MetricsListen, s.metrics)
		if err != nil {
			return err
		}
		s.logger.InfoContext(ctx, "metrics", slog.String("url", "http://"+m.Address()+"/metrics"))
		group.Go(func() error { return m.Serve(behind) })
	}
	group.Go(func() error {
		defer stopBehind()
		if !s.config.Has(config.API) {
			<-groupCtx.Done()
			return nil
		}
		return s.listen(groupCtx, listening)
	})
	return group.Wait()
}

// ended takes the end that was asked for as none.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *service) prepare() error {
	if s.config.Has(config.Projector) {
		s.runner = projections.NewRunner(projections.Config{
			Pool: s.Pool(postgres.RoleProjector), Log: s.log, Registry: s.registry,
			Projections: readModels(), Positions: s.positions, Logger: s.logger,
		})
	}
	var err error
	s.consumers, err = s.newConsumers()
	return err
}

func (s *service) listen(ctx context.Context, listening func(string)) error {
	api := s.api() //nolint:contextcheck // each request brings its own.
	server := api.Server(s.config.Listen)
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listening: %w (set IGNY8_LISTEN or --listen to another address)", err)
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		stopped <- server.Shutdown(ending)
	})
	listening("http://" + listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return <-stopped
}

// checks are what /readyz asks.
func (s *service) checks() []system.Check {
	return append([]system.Check{
		{Name: "postgres", Func: func(ctx context.Context) error {
			if err := s.Ping(ctx); err != nil {
				return &es.Error{Class: es.Unavailable, Message: "Postgres does not answer.", Err: err}
			}
			return nil
		}},
		{Name: "projections", Func: s.projectionsReady},
		{Name: "parked", Func: s.nothingParked, Degrades: true},
		{Name: "tasks", Func: s.tasksGoWell, Degrades: true},
		{Name: "schedules", Func: s.schedulesGoWell, Degrades: true},
		{Name: "purges", Func: s.purgesGoOn, Degrades: true},
	}, s.consumers.checks()...)
}

// behindTooLong is when a projection that is behind makes a process not ready.
const behindTooLong = 30 * time.Second

func (s *service) projectionsReady(ctx context.Context) error {
	if s.runner == nil {
		return nil
	}
	for _, p := range s.runner.Stats(ctx) {
		switch {
		case p.Failing != "":
			return &es.Error{Class: es.Unavailable, Message: p.Key.String() + " is failing.", Err: errors.New(p.Failing)}
		case p.LagTime > behindTooLong:
			return es.Refuse(es.Unavailable, "", "%s is %d events behind.", p.Key, p.Lag)
		}
	}
	return nil
}

func (s *service) nothingParked(ctx context.Context) error {
	if s.runner == nil {
		return nil
	}
	for _, p := range s.runner.Stats(ctx) {
		if p.Parked > 0 {
			return es.Refuse(es.Unavailable, "", "%s has %d parked accounts; see igny8 projections status.", p.Key, p.Parked)
		}
	}
	return nil
}

var _ readapi.Metrics = (*observe.Instruments)(nil)
