package main

import (
	"context"
	"time"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/observe"
	"github.com/igny8/igny8/infra/postgres"
	taskrows "github.com/igny8/igny8/infra/tasks"
	"github.com/igny8/igny8/readapi/system"
)

// taskKinds is everything that is done in the background, to be named in
// documents and permissions.
func taskKinds() []tasks.Kind { return planner.Tasks() }

// tasks is the same, to be done.
func (s *service) tasks() []tasks.Kind {
	return []tasks.Kind{s.importer().Task(), s.clustering().Task()}
}

// newWorker does tasks as long as it runs.
func (s *service) newWorker() *tasks.Worker {
	observe.CollectTasks(s.metrics, s.taskTable().Count)
	return tasks.NewWorker(tasks.Config{
		Kinds: s.tasks(), Bus: s.bus, Bell: s.bell,
		Queue:  taskrows.NewQueue(s.Pool(postgres.RoleProjector), tasks.LeaseTime),
		Logger: s.logger, Metrics: observe.NewTaskInstruments(s.metrics), Step: s.step,
	})
}

// taskTable is the tasks of all accounts.
func (b *backend) taskTable() *taskrows.Table {
	return taskrows.NewTable(b.Pool(postgres.RoleProjector))
}

// jobs serves work in the background.
func (s *service) jobs() system.Tasks {
	return system.Tasks{Bus: s.bus, Pending: taskrows.NewPending(s.Pool(postgres.RoleApp))}
}

// brokenLately is how long a task that died degrades a process.
const brokenLately = 24 * time.Hour

func (s *service) tasksGoWell(ctx context.Context) error {
	n, err := s.taskTable().Broken(ctx, brokenLately)
	if err != nil || n == 0 {
		return err
	}
	return es.Refuse(es.Unavailable, "", "%d tasks died in the last day; see igny8 tasks list --state=dead.", n)
}
