package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/builtin"
)

// imports is how often the import is measured, each into a sector of its own.
const imports = 3

// measureFlow imports keywords over HTTP and has them clustered, as clients do.
func measureFlow(ctx context.Context, in *installation, binary string, size sizes, t *tableOf) (err error) {
	p, err := serve(ctx, binary, "IGNY8_DATA="+in.folder+"-data", "IGNY8_MASTER_KEY_FILE="+in.keyFile(), "DATABASE_URL="+in.adminURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	c, err := newClient(ctx, p.url, in.fullBus())
	if err != nil {
		return err
	}
	var file strings.Builder
	_, _ = file.WriteString("keyword,volume,difficulty\n")
	for i, k := range builtin.Keywords(size.many) {
		_, _ = fmt.Fprintf(&file, "%s,%d,%d\n", k.Text, k.Volume, i%100)
	}
	var imported, clustered []float64
	for round := range imports {
		var sector struct{ ID es.ID }
		if err := c.post(ctx, "auth/sectors/", map[string]any{"site_id": c.site, "name": fmt.Sprintf("Import %d", round)}, &sector); err != nil {
			return err
		}
		begin := time.Now()
		if err := c.imports(ctx, sector.ID, file.String(), size.many); err != nil {
			return err
		}
		imported = append(imported, time.Since(begin).Seconds())
		begin = time.Now()
		if err := c.clusters(ctx, sector.ID); err != nil {
			return err
		}
		clustered = append(clustered, time.Since(begin).Seconds())
	}
	took := spreadOf(imported)
	t.row(fmt.Sprintf("%d keywords imported, from the start of the upload until all are listed", size.many),
		fmt.Sprintf("%.2f s (%.2f to %.2f), %.0f rows/s", took.median, took.least, took.most, float64(size.many)/took.median), "", "",
		atMost(took.median, 1.5, " s"))
	took = spreadOf(clustered)
	t.row(fmt.Sprintf("%d keywords clustered, named, mapped and paid for, from the request to the job's end", size.many),
		fmt.Sprintf("%.2f s (%.2f to %.2f)", took.median, took.least, took.most), "", "", aim{})
	return nil
}

// imports sends the file and waits until all of its rows are listed.
func (c *client) imports(ctx context.Context, sector es.ID, file string, rows int) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "keywords.csv")
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	err = errors.Join(err, form.WriteField("site_id", c.site.String()), form.WriteField("sector_id", sector.String()), form.Close())
	if err != nil {
		return err
	}
	var queued jobState
	if _, err := c.send(ctx, http.MethodPost, "planner/keywords/import/", form.FormDataContentType(), body.Bytes(), "", &queued); err != nil {
		return err
	}
	token, err := c.ended(ctx, queued.ID)
	if err != nil {
		return err
	}
	var listed struct{ Count int }
	_, err = c.send(ctx, http.MethodGet, "planner/keywords/?page_size=1&sector_id="+sector.String(), "", nil, token, &listed)
	if err == nil && listed.Count != rows {
		err = fmt.Errorf("%d keywords are listed of %d", listed.Count, rows)
	}
	return err
}

func (c *client) clusters(ctx context.Context, sector es.ID) error {
	var queued struct{ ID es.ID }
	if err := c.post(ctx, "planner/keywords/auto_cluster/", map[string]any{"site_id": c.site, "sector_id": sector}, &queued); err != nil {
		return err
	}
	_, err := c.ended(ctx, queued.ID)
	return err
}

// jobState is what is read of a job's answer, or of a list's.
type jobState struct {
	ID    es.ID
	State string
}

// ended waits until the job has succeeded, and gives the token of what it did.
func (c *client) ended(ctx context.Context, id es.ID) (token string, err error) {
	for {
		var now jobState
		if token, err = c.send(ctx, http.MethodGet, "system/jobs/"+id.String()+"/", "", nil, "", &now); err != nil {
			return "", err
		}
		switch now.State {
		case "succeeded":
			return token, nil
		case "queued", "running":
		default:
			return "", fmt.Errorf("the job %s %s", id, now.State)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
