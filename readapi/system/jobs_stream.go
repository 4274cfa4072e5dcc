package system

import (
	"context"
	"fmt"
	"time"

	"github.com/igny8/igny8/projections/table"
	"github.com/igny8/igny8/projections/tasks"
	"github.com/igny8/igny8/readapi"
)

// looking is how often a watched job is looked at: it bounds the events a second.
const looking = 200 * time.Millisecond

// mountStream mounts a job's progress as server-sent events: the job as it is at
// once, then whenever it changed, and the last one when it has ended.
func (t Tasks) mountStream(api *readapi.API) {
	readapi.Stream(api, readapi.Route{
		Path: "system/jobs/{id}/stream/", Name: "system.jobs.stream",
		Summary: "Watch one job",
		Description: "Each event is the job as it is, named by its state: at first at once, then whenever it changed, at most five times a second. " +
			"The last one is of a job that has ended. Who comes back with `Last-Event-ID` gets what is newer than that.",
	}, t.watch)
}

func (t Tasks) watch(ctx context.Context, in *jobPath, to *readapi.EventStream[tasks.Job]) error {
	call := readapi.CallOf(ctx)
	job, _, err := t.visible(ctx, call, in.ID)
	if err != nil {
		return err
	}
	tick := time.NewTicker(looking)
	defer tick.Stop()
	for seen := to.LastEventID(); ; {
		if now := version(job); now != seen {
			if err := to.Send(ctx, readapi.ServerEvent[tasks.Job]{ID: now, Name: job.State, Data: job}); err != nil {
				return err
			}
			seen = now
		}
		if job.Ended() {
			return nil
		}
		if err := to.Open(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		who, err := to.Principal(ctx)
		if err != nil {
			return err
		}
		if job, _, err = t.jobs().Get(ctx, nil, scopeOf(who), job.ID, table.Query{}); err != nil {
			return err
		}
	}
}

// version tells two looks at a job apart.
func version(j tasks.Job) string {
	return fmt.Sprintf("%d.%d.%d.%x", j.Revision, j.Progress.Done, j.Progress.Total, j.Progress.Stage)
}

func scopeOf(p readapi.Principal) table.Scope {
	return table.Scope{Account: p.Account, AllSites: p.Sites == nil, Sites: p.Sites}
}
