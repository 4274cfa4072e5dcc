package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tasks"
)

const (
	importChunk  = 1000
	mergesAtOnce = 64
	// importSaves is how often an import's state is kept; a crash repeats no more
	// than that, to no effect.
	importSaves = 500 * time.Millisecond
	// importErrors bounds the report.
	importErrors = 1000
	// jobAttempts is how often a job is tried: what is done stays done, and each
	// restart of a process may cost one.
	jobAttempts = 10
	// importLimit is how long an import may take.
	importLimit = 30 * time.Minute
)

// KeywordImport is what an import of keywords is asked with: an upload, for a
// sector. Country is that of rows which name none.
type KeywordImport struct {
	Upload  es.ID  `json:"upload_id"`
	Country string `json:"country,omitempty"`
}

// ImportReport is what became of a file's rows. Rows is the sum of Imported,
// Rejected and Duplicates.
type ImportReport struct {
	File string `json:"file"`
	// Format is what the file was read as.
	Format     string `json:"format,omitempty"`
	Rows       int64  `json:"rows"`
	Imported   int64  `json:"imported"`
	Rejected   int64  `json:"rejected"`
	Duplicates int64  `json:"duplicates"`
	// Completed counts duplicates that made known what was not.
	Completed int64 `json:"completed"`
	// Errors are the rejected rows in the file's order, neighbours with the same
	// reason together; at most 1,000 of them, and ErrorsLeftOff counts the rest.
	Errors        []ImportError `json:"errors"`
	ErrorsLeftOff int64         `json:"errors_left_off,omitempty"`
}

// ImportError says why rows were rejected.
type ImportError struct {
	// Row is the first one's place in the file as a spreadsheet counts, and
	// LastRow the last one's, where it is more than one.
	Row     int64  `json:"row"`
	LastRow int64  `json:"last_row,omitempty"`
	Code    string `json:"code"` // invalid, plan_limit
	Column  string `json:"column,omitempty"`
	Message string `json:"message"`
}

// reject counts a row and says why.
func (r *ImportReport) reject(e ImportError) {
	r.Rejected++
	if n := len(r.Errors); n > 0 {
		last := &r.Errors[n-1]
		if last.Code == e.Code && last.Column == e.Column && last.Message == e.Message && max(last.Row, last.LastRow)+1 == e.Row {
			last.LastRow = e.Row
			return
		}
	}
	if len(r.Errors) >= importErrors {
		r.ErrorsLeftOff++
		return
	}
	r.Errors = append(r.Errors, e)
}

// Importer imports keyword files in the background.
type Importer struct {
	Bus     *commands.Bus
	Files   KeywordFiles
	Uploads Uploads
	Intents Intents
	Claims  Claims
}

// Task is the kind of its tasks.
func (i Importer) Task() tasks.Kind {
	return tasks.Declare("planner.import_keywords", commands.InSector, importLimit, tasks.Work[KeywordImport, struct{}]{
		Attempts: jobAttempts,
		Apply: func(ctx context.Context, run *tasks.Run, in KeywordImport, _ struct{}) (any, error) {
			return i.run(ctx, run, in)
		},
		Ended: func(ctx context.Context, run *tasks.Run, in KeywordImport, state domain.State) error {
			if state == domain.Succeeded || state == domain.Cancelled {
				return i.Uploads.Delete(ctx, run.Tenant.Account, in.Upload)
			}
			return nil // who replays it needs the file.
		},
	})
}

// run reads the file from its start and takes up where the last attempt stopped.
// Ids derive from the task and the row, so that rows which are done already count
// as they did then.
func (i Importer) run(ctx context.Context, run *tasks.Run, in KeywordImport) (*ImportReport, error) {
	upload, name, size, err := i.Uploads.Open(ctx, run.Tenant.Account, in.Upload)
	if err != nil {
		return nil, err
	}
	defer func() { _ = upload.Close() }() // it was only read.
	file, err := i.Files.Open(name, upload)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read.
	p := &importing{Importer: i, run: run, in: in}
	p.state.Report.File, p.state.Report.Errors = name, []ImportError{}
	if f, ok := file.(interface{ Recognised() string }); ok {
		p.state.Report.Format = f.Recognised()
	}
	if _, err := run.Saved(&p.state); err != nil {
		return nil, err
	}
	saved := time.Now()
	for {
		rows, err := nextRows(ctx, file)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		if err := p.take(ctx, rows); err != nil {
			return nil, err
		}
		run.Progress("importing", min(file.Read(), size), size)
		if time.Since(saved) > importSaves {
			if err := run.Save(ctx, p.state); err != nil {
				return nil, err
			}
			saved = time.Now()
		}
	}
	run.Progress("importing", size, size)
	return &p.state.Report, nil
}

func nextRows(ctx context.Context, file KeywordFile) ([]KeywordRow, error) {
	rows := make([]KeywordRow, 0, importChunk)
	for len(rows) < importChunk && ctx.Err() == nil {
		row, err := file.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, ctx.Err()
}

// importing is an attempt at an import.
type importing struct {
	Importer
	run   *tasks.Run
	in    KeywordImport
	state struct {
		Row    int64        `json:"row"` // up to which everything is done
		Report ImportReport `json:"report"`
	}
}

// candidate is a keyword of one row, or of several in a chunk.
type candidate struct {
	row   int64 // the first
	claim es.Unique
	planner.KeywordDetails

	duplicate bool // it was there before
	completed bool
	rejected  *ImportError
}

// entry is a row of a chunk and what it comes to.
type entry struct {
	*candidate
	row     int64
	problem *ImportError // without a candidate
}

// take imports a chunk: new keywords in the file's order, then what those that
// are there already did not know.
func (p *importing) take(ctx context.Context, rows []KeywordRow) error {
	var entries []entry
	var candidates []*candidate
	byClaim := map[string]*candidate{}
	for _, row := range rows {
		if row.Row <= p.state.Row {
			continue
		}
		c, problem := p.read(row)
		if problem != nil {
			entries = append(entries, entry{row: row.Row, problem: problem})
			continue
		}
		key := c.claim.Scope + "\x00" + c.claim.Key
		first, twice := byClaim[key]
		if twice {
			first.KeywordDetails = first.With(c.KeywordDetails)
			c = first
		} else {
			byClaim[key] = c
			candidates = append(candidates, c)
		}
		entries = append(entries, entry{candidate: c, row: row.Row})
	}
	if err := p.create(ctx, candidates); err != nil {
		return err
	}
	if err := p.complete(ctx, candidates); err != nil {
		return err
	}
	for _, e := range entries {
		p.count(e)
	}
	p.state.Row = max(p.state.Row, rows[len(rows)-1].Row)
	return nil
}

// read is a row's keyword in its stored form, or why it is none.
func (p *importing) read(row KeywordRow) (*candidate, *ImportError) {
	if row.Problem != "" {
		return nil, &ImportError{Row: row.Row, Code: "invalid", Column: row.Column, Message: row.Problem}
	}
	d := row.Details
	if d.Country == "" {
		d.Country = p.in.Country
	}
	if len(d.Intents) == 0 {
		d.Intents, d.IntentConfidence = p.Intents.Intents(d.Text)
		d.IntentSource = planner.IntentByRules
	}
	d, err := d.Checked()
	if err != nil {
		return nil, rejection(row.Row, err)
	}
	return &candidate{row: row.Row, claim: planner.KeywordClaim(p.run.Tenant, d), KeywordDetails: d}, nil
}

// rejection tells a refusal in a report's words.
func rejection(row int64, err error) *ImportError {
	e := &ImportError{Row: row, Code: "invalid", Message: err.Error()}
	var refused *es.Error
	if errors.As(err, &refused) {
		e.Code, e.Message = refused.Word(), refused.Message
		for _, field := range slices.Sorted(maps.Keys(refused.Fields)) {
			e.Column, e.Message = field, refused.Fields[field][0]
			break
		}
	}
	return e
}

// create asks for all candidates at once. Ids derive from the task and the row:
// what an earlier attempt created is answered as it was then.
func (p *importing) create(ctx context.Context, candidates []*candidate) error {
	requests := make([]commands.Request, len(candidates))
	for i, c := range candidates {
		requests[i] = p.run.Ask(create(p.run.Tenant, c.KeywordDetails), "create", int(c.row))
		requests[i].Target = es.Derive(p.run.Task, "keyword", int(c.row))
	}
	_, errs := p.Bus.CreateMany(ctx, requests)
	for i, err := range errs {
		var refused *es.Error
		switch {
		case err == nil:
		case !errors.As(err, &refused), refused.Class == es.Unavailable, refused.Class == es.Internal:
			return fmt.Errorf("creating the keyword of row %d: %w", candidates[i].row, err)
		case refused.Code == "taken":
			candidates[i].duplicate = true
		case refused.Fields["site_id"] != nil, refused.Fields["sector_id"] != nil:
			return err
		default:
			candidates[i].rejected = rejection(candidates[i].row, err)
		}
	}
	return nil
}

// complete adds what the file knows to keywords that were there before it.
func (p *importing) complete(ctx context.Context, candidates []*candidate) error {
	byScope := map[string][]*candidate{}
	for _, c := range candidates {
		if c.duplicate {
			scope := c.claim.In(p.run.Tenant.Account)
			byScope[scope] = append(byScope[scope], c)
		}
	}
	var merged []*candidate
	var requests []commands.Request
	for _, scope := range slices.Sorted(maps.Keys(byScope)) {
		keys := make([]string, len(byScope[scope]))
		for i, c := range byScope[scope] {
			keys[i] = c.claim.Key
		}
		holders, err := p.Claims.Holders(ctx, scope, keys)
		if err != nil {
			return err
		}
		for _, c := range byScope[scope] {
			holder, held := holders[c.claim.Key]
			if !held || holder.Account != p.run.Tenant.Account {
				continue // it was deleted in this moment.
			}
			r := p.run.Ask(MergeKeyword{c.KeywordDetails}, "merge", int(c.row))
			r.Target = holder.ID
			merged, requests = append(merged, c), append(requests, r)
		}
	}
	outcomes, errs := p.Bus.DoAll(ctx, requests, mergesAtOnce)
	for i, err := range errs {
		if err = refusal(err); err != nil {
			return fmt.Errorf("completing a keyword by row %d: %w", merged[i].row, err)
		}
		merged[i].completed = outcomes[i].Changed()
	}
	return nil
}

// count puts a row's end into the report.
func (p *importing) count(e entry) {
	report := &p.state.Report
	report.Rows++
	switch {
	case e.problem != nil:
		report.reject(*e.problem)
	case e.rejected != nil:
		problem := *e.rejected
		problem.Row = e.row
		report.reject(problem)
	case e.duplicate || e.row != e.candidate.row:
		report.Duplicates++
		if e.completed {
			report.Completed++
			e.completed = false // one keyword counts once.
		}
	default:
		report.Imported++
	}
}
