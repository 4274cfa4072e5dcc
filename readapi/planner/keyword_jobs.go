package planner

import (
	"context"
	"fmt"
	"net/http"

	kernel "github.com/igny8/igny8/commands"
	commands "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections/tasks"
	"github.com/igny8/igny8/readapi"
)

// Jobs are what the module does in the background, and what that stands on.
type Jobs struct {
	Clustering commands.Clustering
	Files      readapi.Files
	// UploadLimit is the largest keyword export, in bytes.
	UploadLimit int64
}

type importForm struct {
	SiteID   es.ID  `json:"site_id"`
	SectorID es.ID  `json:"sector_id"`
	Country  string `json:"country,omitempty" doc:"Country of rows that name none, ISO 3166-1 alpha-2."`
}

type clusteringBody struct {
	Body struct {
		SiteID   es.ID   `json:"site_id"`
		SectorID es.ID   `json:"sector_id"`
		IDs      []es.ID `json:"ids,omitempty" maxItems:"10000" doc:"Only these keywords; all that are in no cluster if left out."`
	}
}

// mount serves
//
//	POST planner/keywords/import/        a keyword export, as multipart/form-data
//	POST planner/keywords/auto_cluster/  put keywords into clusters
func (j Jobs) mount(api *readapi.API) {
	readapi.Upload(api, readapi.UploadRoute{
		Route: readapi.Route{
			Method: http.MethodPost, Path: "planner/keywords/import/", Name: "planner.keywords.import", Least: es.Editor,
			Status: http.StatusAccepted, DryRuns: true, Summary: "Import a keyword export in the background",
			Description: "A csv or xlsx file of Google Keyword Planner, Ahrefs, Semrush and others, read for what it is. " +
				"The job's result counts the rows and says row by row what was rejected; a bad row never loses the good ones. " +
				"Duplicates complete what is known of a keyword. Over the plan's limit rows are taken in the file's order.",
		},
		Files: j.Files, Limit: j.UploadLimit,
	}, imports)
	readapi.Handle(api, readapi.Route{
		Method: http.MethodPost, Path: "planner/keywords/auto_cluster/", Name: "planner.keywords.auto_cluster", Least: es.Editor,
		Status: http.StatusAccepted, DryRuns: true, Throttle: "planner_ai", Summary: "Put keywords into clusters in the background",
		Description: "Credits are reserved at once, and charged for what was done. Keywords that are in a cluster stay there, and their kin join them.",
		Codes:       []int{http.StatusPaymentRequired},
	}, j.cluster)
}

func imports(ctx context.Context, file readapi.File, in *importForm) (*tasks.Job, error) {
	if _, err := (domain.KeywordDetails{Text: "any", Country: in.Country}).Checked(); err != nil {
		return nil, err
	}
	call := readapi.CallOf(ctx)
	request, err := commands.Importer{}.Task().Request(inSector(call, in.SiteID, in.SectorID), commands.KeywordImport{Upload: file.ID, Country: in.Country})
	if err != nil {
		return nil, err
	}
	return queued(ctx, call, request)
}

func (j Jobs) cluster(ctx context.Context, in *clusteringBody) (*tasks.Job, error) {
	call := readapi.CallOf(ctx)
	request, err := j.Clustering.Start(ctx, inSector(call, in.Body.SiteID, in.Body.SectorID), in.Body.IDs)
	if err != nil {
		return nil, err
	}
	return queued(ctx, call, request)
}

func inSector(call *readapi.Call, site, sector es.ID) kernel.Request {
	r := call.Ask(nil)
	r.IfRevision = 0
	r.Tenant.Site, r.Tenant.Sector = site, sector
	return r
}

// queued asks for a task and answers its job.
func queued(ctx context.Context, call *readapi.Call, request kernel.Request) (*tasks.Job, error) {
	outcome, err := call.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	row, ok := outcome.Row.(tasks.Task)
	if !ok {
		return nil, fmt.Errorf("a task answers a row of %T", outcome.Row)
	}
	if !call.DryRun {
		call.Location("system/jobs/" + outcome.Stream.ID.String() + "/")
	}
	job := tasks.JobOf(row)
	return &job, nil
}
