package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/igny8/igny8/commands/planner"
)

// serverFlags say which server is asked, and as whom.
type serverFlags struct {
	Server string `help:"The server's address." default:"http://127.0.0.1:8080" placeholder:"URL" group:"Server" env:"IGNY8_SERVER"`
	Token  string `help:"An access token, as POST auth/login/ answers it. Better in IGNY8_TOKEN: flags are seen by every user of the machine." placeholder:"TOKEN" group:"Server" env:"IGNY8_TOKEN"`
	Site   string `help:"The site's id." required:"" placeholder:"ID"`
	Sector string `help:"The sector's id." required:"" placeholder:"ID"`
}

// Validate refuses what no server can be asked with.
func (f serverFlags) Validate() error {
	at, err := url.Parse(f.Server)
	switch {
	case err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https":
		return fmt.Errorf("--server is %q, which is no address like http://127.0.0.1:8080", f.Server)
	case f.Token == "":
		return errors.New("who asks is not known: set IGNY8_TOKEN to the access_token that POST auth/login/ answers")
	default:
		return nil
	}
}

func (f serverFlags) flow(s *session) flow {
	return newFlow(s, &client{url: f.Server, token: f.Token, http: http.DefaultClient})
}

func (f serverFlags) target() target { return target{site: f.Site, sector: f.Sector} }

type importCommand struct {
	serverFlags
	Files   []string `arg:"" help:"Keyword exports, csv or xlsx, of Google Keyword Planner, Ahrefs, Semrush and others." name:"file"`
	Country string   `help:"Country of rows that name none, such as US." placeholder:"CODE"`
}

// Help is shown by `igny8 import --help`.
func (importCommand) Help() string {
	return `Each file is sent to a running server and imported there; a bad row never loses the good ones, and duplicates complete what is known.

Examples:

  IGNY8_TOKEN=... igny8 import keywords.csv --site=ID --sector=ID
  igny8 import *.csv *.xlsx --site=ID --sector=ID --json`
}

// Run imports the files one after another.
func (c *importCommand) Run(ctx context.Context, s *session) error {
	files, err := openExports(c.Files)
	if err != nil {
		return err
	}
	defer closeExports(files) //nolint:errcheck // they were only read.
	f, reports := c.flow(s), []planner.ImportReport{}
	for _, file := range files {
		report, err := f.imports(ctx, c.target(), c.Country, file)
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	return s.answer(map[string]any{"files": reports}, func(w io.Writer) error { return writeReports(w, reports) })
}

type clusterCommand struct{ serverFlags }

// Help is shown by `igny8 cluster --help`.
func (clusterCommand) Help() string {
	return `All keywords of the sector that are in no cluster yet are put into one, which costs credits. Keywords that are in a cluster stay there, and their kin join them.

Example:

  IGNY8_TOKEN=... igny8 cluster --site=ID --sector=ID`
}

// Run has the sector's keywords clustered.
func (c *clusterCommand) Run(ctx context.Context, s *session) error {
	f := c.flow(s)
	report, err := f.clusters(ctx, c.target())
	if err != nil {
		return err
	}
	return s.answer(report, func(w io.Writer) error {
		top, err := f.largest(ctx, c.target(), 15)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%d new clusters, %d keywords mapped, %d credits spent\n\n", report.Clusters, report.Mapped, report.Credits); err != nil {
			return err
		}
		return writeClusters(w, top)
	})
}

func sortByVolume(all []topCluster) {
	slices.SortStableFunc(all, func(a, b topCluster) int { return int(b.Volume - a.Volume) })
}
