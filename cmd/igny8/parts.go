package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/igny8/igny8/infra/config"
	"github.com/igny8/igny8/projections"
)

// opener opens what a command works on, and gives what closes it. The context
// is the command's.
type opener[T any] func(ctx context.Context, c config.Config, log *slog.Logger) (part T, closed func() error, err error)

// parts are what the commands are made of. A command whose part is nil does not
// exist: it is neither run nor shown in the help.
type parts struct {
	serve       serve
	migrations  opener[migrator]
	projections opener[projectionKeeper]
	log         opener[projections.Log]
	admins      opener[adminMaker]
	deadletters opener[letterKeeper]
	// demonstrators make what the demonstration needs.
	demonstrators opener[demonstrator]
	schedules     opener[scheduleKeeper]
	tasks         opener[taskKeeper]
}

func (p parts) commands() []kong.Option {
	var options []kong.Option
	add := func(exists bool, name, help string, command any) {
		if exists {
			options = append(options, kong.DynamicCommand(name, help, "", command))
		}
	}
	add(p.serve != nil, "serve", "Start the API and all that works behind it.", &serveCommand{})
	add(p.migrations != nil, "migrate", "Bring the database's schema up to date.", &migrateCommand{})
	add(p.projections != nil, "rebuild", "Make read models anew from the events.", &rebuildCommand{})
	add(p.projections != nil, "projections", "Look after the read models.", &projectionsCommand{})
	add(p.log != nil, "events", "Read the log of everything that happened.", &eventsCommand{})
	add(p.deadletters != nil, "deadletter", "Look after the events that reactions gave up.", &deadletterCommand{})
	add(p.admins != nil, "platform", "Look after the platform itself.", &platformCommand{})
	add(p.tasks != nil, "tasks", "Look after work in the background.", &tasksCommand{})
	add(p.schedules != nil, "schedules", "Look after what is done periodically.", &schedulesCommand{})
	add(p.serve != nil && p.demonstrators != nil, "demo", "Play what igny8 does on keyword exports, on a server of its own.", &demoCommand{})
	add(true, "import", "Import keyword exports into a running server.", &importCommand{})
	add(true, "cluster", "Have a running server put keywords into clusters.", &clusterCommand{})
	add(true, "config", "Show every setting, where it comes from and what is wrong with it.", &configCommand{})
	add(true, "version", "Print what this program was built from.", &versionCommand{})
	return options
}

// with opens a part, works on it and closes it, also when the work failed.
func with[T any](ctx context.Context, s *session, open opener[T], work func(T) error) error {
	loaded, err := s.settings()
	if err != nil {
		return err
	}
	part, closed, err := open(ctx, loaded.Config, s.logger(loaded.Config))
	if err != nil {
		return err
	}
	return errors.Join(work(part), closed())
}
