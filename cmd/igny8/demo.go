package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/config"
)

// demonstrator makes what a demonstration needs and the API does not give.
type demonstrator interface {
	// Empty says whether nobody ever signed up.
	Empty(ctx context.Context) (bool, error)
	// SignUp makes an account on the internal plan, of 100,000 keywords, and
	// gives an access token of its owner.
	SignUp(ctx context.Context, email, password string) (account, token string, err error)
	// Count is how many events the log holds.
	Count(ctx context.Context) (int64, error)
}

type demoCommand struct {
	Keywords []string `help:"A keyword export to play it on, instead of the bundled ones; may be given more than once." placeholder:"FILE" sep:"none" type:"path"`
}

// Help is shown by `igny8 demo --help`.
func (demoCommand) Help() string {
	return `It starts a server, signs up on an internal plan of 100,000 keywords, imports keyword exports, has them clustered, pays for it, and stops. The data is kept in the folder that --data names; without it, it is temporary.

Examples:

  igny8 demo
  igny8 demo --keywords=export.csv --json
  igny8 demo --keywords=export.xlsx --data=demo`
}

// demoSummary is what a demonstration ends with.
type demoSummary struct {
	AccountID  string  `json:"account_id"`
	Rows       int64   `json:"rows"`
	Imported   int64   `json:"keywords_imported"`
	Rejected   int64   `json:"keywords_rejected"`
	Duplicates int64   `json:"duplicates"`
	Clusters   int64   `json:"clusters"`
	Credits    int64   `json:"credits_spent"`
	Events     int64   `json:"events"`
	Seconds    float64 `json:"seconds"`
}

// Run plays the flow on a server of its own.
func (c *demoCommand) Run(ctx context.Context, s *session, p *parts) (err error) {
	files, err := c.exports()
	if err != nil {
		return err
	}
	defer closeExports(files) //nolint:errcheck // they were only read.
	if s.flags["IGNY8_DATA"] == "" {
		dir, err := os.MkdirTemp("", "igny8-demo-")
		if err != nil {
			return fmt.Errorf("making a temporary data folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		s.use(map[string]string{"IGNY8_DATA": dir})
	}
	if s.flags["IGNY8_LOG_LEVEL"] == "" {
		s.use(map[string]string{"IGNY8_LOG_LEVEL": "warn"}) // what is played is told by itself.
	}
	s.environ = nil // a demonstration touches nothing that the environment names.
	loaded, err := s.settings()
	if err != nil {
		return err
	}
	settings := loaded.Config
	settings.Listen, settings.MetricsListen, settings.Throttles = "127.0.0.1:0", "", false
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var d demo
	var played chan error
	err = p.serve(serving, settings, s.logger(settings), func(url string) {
		played = make(chan error, 1)
		go func() {
			defer stop()
			var err error
			d, err = playDemo(serving, s, p, settings, url, files)
			played <- err
		}()
	})
	if played != nil { // also where the server stopped before.
		err = errors.Join(<-played, err)
	}
	if err != nil {
		return err
	}
	return s.answer(d.summary, d.write)
}

// exports are the files to play on.
func (c *demoCommand) exports() ([]export, error) {
	if len(c.Keywords) == 0 {
		return bundledExports()
	}
	return openExports(c.Keywords)
}

// demo is a flow that was played.
type demo struct {
	email, password, token string
	target                 target
	reports                []planner.ImportReport
	clustering             planner.ClusteringReport
	top                    []topCluster
	summary                demoSummary
}

// playDemo plays the flow over the API of the server at url, as a person would.
func playDemo(ctx context.Context, s *session, p *parts, settings config.Config, url string, files []export) (demo, error) {
	var d demo
	part, closed, err := p.demonstrators(ctx, settings, s.logger(settings))
	if err != nil {
		return d, err
	}
	err = d.play(ctx, s, part, url, files)
	return d, errors.Join(err, closed())
}

func (d *demo) play(ctx context.Context, s *session, part demonstrator, url string, files []export) error {
	started := time.Now()
	secret := rand.Text()
	d.email, d.password = "demo-"+secret[:8]+"@example.com", secret
	var err error
	if d.summary.AccountID, d.token, err = part.SignUp(ctx, d.email, d.password); err != nil {
		return err
	}
	f := newFlow(s, &client{url: url, token: d.token, http: http.DefaultClient})
	if d.target, err = f.settle(ctx, "Demonstration", "espresso.example.com", "food-drink", "Espresso"); err != nil {
		return err
	}
	for _, file := range files {
		report, err := f.imports(ctx, d.target, "", file)
		if err != nil {
			return err
		}
		d.reports = append(d.reports, report)
		d.summary.Rows += report.Rows
		d.summary.Imported += report.Imported
		d.summary.Rejected += report.Rejected
		d.summary.Duplicates += report.Duplicates
	}
	if err := d.cluster(ctx, f); err != nil {
		return err
	}
	d.summary.Clusters = d.clustering.Clusters
	if d.summary.Credits, err = spent(ctx, f); err != nil {
		return err
	}
	if d.summary.Events, err = part.Count(ctx); err != nil {
		return err
	}
	d.summary.Seconds = time.Since(started).Round(time.Millisecond).Seconds()
	return nil
}

func (d *demo) cluster(ctx context.Context, f flow) error {
	if d.summary.Imported == 0 {
		return nil // there is nothing to cluster.
	}
	var err error
	if d.clustering, err = f.clusters(ctx, d.target); err != nil {
		return err
	}
	d.top, err = f.largest(ctx, d.target, 12)
	return err
}

// spent is the sum of what the ledger charged.
func spent(ctx context.Context, f flow) (int64, error) {
	var summary struct {
		Totals struct {
			Committed int64 `json:"committed"`
		} `json:"totals"`
	}
	if err := f.get(ctx, "billing/credits/summary/", &summary); err != nil {
		return 0, fmt.Errorf("reading the ledger: %w", err)
	}
	return summary.Totals.Committed, nil
}

// write tells people what happened.
func (d *demo) write(w io.Writer) error {
	if err := writeReports(w, d.reports); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w)
	if err := writeClusters(w, d.top); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d rows: %d imported, %d duplicates, %d rejected. %d clusters for %d credits. %d events in %.1f s.\n",
		d.summary.Rows, d.summary.Imported, d.summary.Duplicates, d.summary.Rejected, d.summary.Clusters, d.summary.Credits, d.summary.Events, d.summary.Seconds)
	return err
}
