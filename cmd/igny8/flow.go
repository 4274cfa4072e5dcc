package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/progress"
)

// flow is what a person does with keywords, over the API.
type flow struct {
	*client
	// progress shows how far something is that is counted in units.
	progress func(unit string) *progress.Progress
	// say tells what is begun.
	say func(what string)
}

// newFlow shows on the session's standard error how far things are.
func newFlow(s *session, c *client) flow {
	return flow{client: c, progress: s.progress, say: func(what string) {
		if !s.json {
			_, _ = fmt.Fprintln(s.stderr, what)
		}
	}}
}

// target is the site and sector that keywords are for.
type target struct{ site, sector string }

// settle makes a site and a sector.
func (f flow) settle(ctx context.Context, name, domain, industry, sector string) (target, error) {
	var made struct {
		ID string `json:"id"`
	}
	if err := f.post(ctx, "auth/sites/", map[string]string{"name": name, "domain": domain, "industry": industry}, &made); err != nil {
		return target{}, fmt.Errorf("making a site: %w", err)
	}
	p := target{site: made.ID}
	if err := f.post(ctx, "auth/sectors/", map[string]string{"site_id": p.site, "name": sector}, &made); err != nil {
		return target{}, fmt.Errorf("making a sector: %w", err)
	}
	p.sector = made.ID
	return p, nil
}

// imports sends a keyword export and watches it being imported.
func (f flow) imports(ctx context.Context, p target, country string, file export) (planner.ImportReport, error) {
	var queued job
	var report planner.ImportReport
	name := filepath.Base(file.name)
	f.say("importing " + name)
	fields := map[string]string{"site_id": p.site, "sector_id": p.sector}
	if country != "" {
		fields["country"] = country
	}
	if err := f.upload(ctx, "planner/keywords/import/", fields, name, file, &queued); err != nil {
		return report, fmt.Errorf("sending %s: %w", name, err)
	}
	if err := f.watch(ctx, queued.ID, f.shows("bytes"), &report); err != nil {
		return report, fmt.Errorf("importing %s: %w", name, err)
	}
	return report, nil
}

// clusters has the sector's keywords clustered and watches it.
func (f flow) clusters(ctx context.Context, p target) (planner.ClusteringReport, error) {
	var queued job
	var report planner.ClusteringReport
	f.say("putting keywords into clusters")
	if err := f.post(ctx, "planner/keywords/auto_cluster/", map[string]string{"site_id": p.site, "sector_id": p.sector}, &queued); err != nil {
		return report, fmt.Errorf("asking for clusters: %w", err)
	}
	if err := f.watch(ctx, queued.ID, f.shows(""), &report); err != nil {
		return report, fmt.Errorf("clustering: %w", err)
	}
	return report, nil
}

// shows tells a job's progress, each of its stages by itself.
func (f flow) shows(unit string) func(job) {
	shown, stage := f.progress(unit), ""
	return func(j job) {
		switch now := j.Progress.Stage; {
		case j.ended():
			shown.Finish()
		case now != "":
			if now != stage {
				shown.Stage(now, j.Progress.Total)
				stage = now
			}
			shown.Set(j.Progress.Done, j.Progress.Total)
		}
	}
}

// topCluster is a cluster as the list shows it.
type topCluster struct {
	Name           string   `json:"name"`
	PrimaryKeyword *string  `json:"primary_keyword"`
	Keywords       int64    `json:"keywords_count"`
	Volume         int64    `json:"volume"`
	Intents        []string `json:"intents"`
}

// largest are the clusters of a sector whose keywords are searched for most.
func (f flow) largest(ctx context.Context, p target, n int) ([]topCluster, error) {
	var all []topCluster
	for page := 1; ; page++ {
		var some []topCluster
		query := url.Values{"sector_id": {p.sector}, "page_size": {"100"}, "page": {fmt.Sprint(page)}}
		if err := f.get(ctx, "planner/clusters/?"+query.Encode(), &some); err != nil {
			return nil, fmt.Errorf("reading the clusters: %w", err)
		}
		all = append(all, some...)
		if len(some) < 100 || page == 10 {
			break
		}
	}
	sortByVolume(all)
	return all[:min(n, len(all))], nil
}

func writeReports(w io.Writer, reports []planner.ImportReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "FILE\tREAD AS\tROWS\tIMPORTED\tDUPLICATES\tREJECTED")
	for _, r := range reports {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\n", r.File, r.Format, r.Rows, r.Imported, r.Duplicates, r.Rejected)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		for i, e := range r.Errors {
			if i == shownErrors {
				_, _ = fmt.Fprintf(w, "%s: and more; the job's result has them all\n", r.File)
				break
			}
			rows := fmt.Sprintf("row %d", e.Row)
			if e.LastRow > 0 {
				rows = fmt.Sprintf("rows %d to %d", e.Row, e.LastRow)
			}
			if _, err := fmt.Fprintf(w, "%s, %s: %s\n", r.File, rows, e.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

// shownErrors is how many rejections of a file are printed.
const shownErrors = 20

func writeClusters(w io.Writer, all []topCluster) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CLUSTER\tPRIMARY KEYWORD\tKEYWORDS\tSEARCHES A MONTH\tINTENTS")
	for _, c := range all {
		primary := ""
		if c.PrimaryKeyword != nil {
			primary = *c.PrimaryKeyword
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", c.Name, primary, c.Keywords, c.Volume, strings.Join(c.Intents, ", "))
	}
	return table.Flush()
}
