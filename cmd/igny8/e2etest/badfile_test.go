package e2etest_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// badFile is an export with something wrong in it, and what must become of it.
type badFile struct {
	about, name, file string
	// failed are parts of the message that the job fails with; without them it
	// succeeds, and its report counts and says what follows.
	failed                         []string
	rows, imported, rejected, dups int64
	says                           []string // "row N[-M]: part of the message"
}

// planter is somebody with a site and a sector.
type planter struct {
	*e2etest.Client
	site, sector string
}

func (p planter) upload(name, file string) e2etest.Upload {
	return e2etest.Upload{Name: name, File: file, Fields: map[string]string{"site_id": p.site, "sector_id": p.sector}}
}

func plant(t *testing.T, i *e2etest.Installation, name string) planter {
	t.Helper()
	c := i.SignUp(t, name)
	site := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]any{"name": "S", "domain": "s.example.com", "industry": "technology-software"}, nil).Data(t).ID
	return planter{c, site, c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]any{"site_id": site, "name": "A"}, nil).Data(t).ID}
}

// inNewSector is the same person in a subtest, with a sector of its own that is
// deleted at its end: a site has few.
func (p planter) inNewSector(t *testing.T, name string) planter {
	t.Helper()
	c := p.In(t)
	sector := c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]any{"site_id": p.site, "name": name}, nil).Data(t).ID
	t.Cleanup(func() { p.Do(http.StatusOK, "DELETE", "auth/sectors/"+sector+"/", nil, nil) })
	return planter{c, p.site, sector}
}

func badFiles(t *testing.T) []badFile {
	t.Helper()
	return []badFile{
		{about: "nothing", name: "empty.csv", failed: []string{`"empty.csv" is empty`, "Export it again"}},
		{about: "blanks", name: "blank.csv", file: "\r\n  \n\t\n", failed: []string{`"blank.csv" is empty`}},
		{about: "a picture", name: "keywords.csv", file: "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + strings.Repeat("\x00\x01\xfe\xff", 5000), failed: []string{`"keywords.csv" is an image`, "Save it as .csv or .xlsx"}},
		{about: "a program", name: "keywords.csv", file: "\x7fELF\x02\x01\x01" + strings.Repeat("\x00\x01\xfe\xff", 5000), failed: []string{"is a program"}},
		{about: "noise", name: "keywords.csv", file: strings.Repeat("\x00\x01\x02\x07\xfe\xff", 5000), failed: []string{"binary data"}},
		{about: "no column of keywords", name: "dates.csv", file: "Date;Clicks\n2026-01-01;3\n", failed: []string{`No column of keywords was found in "dates.csv"`, "semicolon-separated", "row 1", `"Date", "Clicks"`, `"Keyword"`}},
		{about: "a web page", name: "keywords.csv", file: "<!DOCTYPE html><html><head><title>Log in</title></head></html>", failed: []string{"No column of keywords"}},
		{about: "JSON", name: "keywords.json", file: `[{"keyword":"crm","volume":3}]`, failed: []string{"No column of keywords"}},
		{about: "only a header", name: "header.csv", file: "Keyword,Volume\n"},
		{about: "UTF-16 cut in a character", name: "gkp.csv", file: utf16le("Keyword\tAvg. monthly searches\ncrm\t100\nerp softw\u00e4r", 1), rows: 2, imported: 1, rejected: 1, says: []string{"3: The file ends in the middle of this row"}},
		{about: "UTF-16 cut in a surrogate pair", name: "gkp.csv", file: utf16le("Keyword\tAvg. monthly searches\ncrm\t100\nerp \U0001F600", 2), rows: 2, imported: 1, rejected: 1, says: []string{"3: The file ends in the middle of this row"}},
		{about: "a line of 10 MB", name: "long.csv", file: "Keyword,Volume\ncrm,1\n" + strings.Repeat("x", 10<<20) + "\nerp,2\n", rows: 3, imported: 2, rejected: 1, says: []string{"3: This row is longer than 1 MB"}},
		{about: "10 MB of commas", name: "commas.csv", file: "Keyword,Volume\ncrm,1\n" + strings.Repeat(",", 10<<20) + "\nerp,2\n", rows: 3, imported: 2, rejected: 1, says: []string{"3: This row is longer than 1 MB"}},
		{about: "a quote of 10 MB that never ends", name: "quote.csv", file: "Keyword,Volume\ncrm,1\n\"" + strings.Repeat("x", 10<<20) + "\nerp,2\n", rows: 3, imported: 2, rejected: 1, says: []string{"3: "}},
		{about: "NUL bytes", name: "nul.csv", file: "Keyword,Volume\ncrm,1\nc\x00m,2\n\x00\x00,3\nerp\x00,4\nlast,5\n", rows: 5, imported: 2, rejected: 3, says: []string{"3-5 Keyword: The keyword has NUL bytes"}},
		{about: "control characters", name: "control.csv", file: "Keyword,Volume\ncrm,1\nc\x07m,2\n\x1b[31mred,3\nlast,5\n", rows: 4, imported: 2, rejected: 2, says: []string{"3-4 Keyword: The keyword has control characters"}},
		{about: "nothing to see", name: "invisible.csv", file: "Keyword,Volume\ncrm,1\n\u202e\u200b,2\n\u200d,3\nlast,4\n", rows: 4, imported: 2, rejected: 2, says: []string{"3-4 keyword: "}},
		{
			about: "formulas", name: "formula.csv", file: "Keyword,Volume\ncrm,1\n\"=HYPERLINK(\"\"http://evil.example\"\")\",2\n+1+cmd|' /C calc'!A0,3\n@SUM(1),4\n-crm,5\nerp,=1+1\nlast,5\n",
			rows: 7, imported: 3, rejected: 4, says: []string{"3-5 Keyword: The keyword is a formula", `7 Volume: "=1+1" is not a number`},
		},
		{
			about: "two tools in one", name: "two.csv", file: "Keyword,Volume,KD\ncrm,100,3\nKeyword,Search Volume,Keyword Difficulty,CPC (USD),Competitive Density\nerp,200,40,1.5,0.3\nPage,Clicks\n/a,3\nlast,5\n",
			rows: 4, imported: 2, rejected: 2, says: []string{"6-7: This row belongs to a table without keywords, whose header is row 5"},
		},
		{
			about: "rows that are short, and bad numbers", name: "ragged.csv", file: "Volume,Keyword\n1,crm\n2\n,erp\nmany,tms\n-5,neg\n1e400,huge\n",
			rows: 6, imported: 2, rejected: 4, says: []string{"3 Keyword: There is no keyword", `5 Volume: "many" is not a number`, `6 Volume: "-5" is less than 0`, `7 Volume: "1e400" is not a number`},
		},
		{
			about: "endless keywords", name: "endless.csv", file: "Keyword,Volume\ncrm,1\n" + strings.Repeat("x", 300) + ",2\n,3\n\"  \",4\nCRM,5\n",
			rows: 5, imported: 1, rejected: 3, dups: 1, says: []string{"3 keyword: At most 255 characters fit here", "4-5 Keyword: There is no keyword"},
		},
		{about: "a sheet of 600 MB", name: "bomb.xlsx", file: archive(t, lies("xl/worksheets/sheet1.xml", 600<<20, []byte{3, 0})), failed: []string{`"bomb.xlsx" unpacks to more than 512 MB`}},
		{about: "a cell of 100 MB", name: "cell.xlsx", file: archive(t, holds("xl/worksheets/sheet1.xml", sheetStart, 100<<20, sheetEnd)), rows: 2, imported: 1, rejected: 1, says: []string{"3: The sheet is damaged from this row on"}},
		{about: "a text of 100 MB", name: "text.xlsx", file: archive(t, holds("xl/sharedStrings.xml", `<sst><si><t>`, 100<<20, `</t></si></sst>`)), failed: []string{`"text.xlsx" cannot be opened: it is damaged`}},
		{about: "a sheet that is larger than it says", name: "liar.xlsx", file: archive(t, lies("xl/worksheets/sheet1.xml", 100, deflated(t, sheetStart, 20<<20, sheetEnd))), failed: []string{`"liar.xlsx"`}},
		{about: "3,000 parts", name: "parts.xlsx", file: archive(t, manyParts(3000, 10)), failed: []string{`"parts.xlsx" has more than 2000 parts`}},
		{about: "1,500 parts of 100 KB", name: "parts.xlsx", file: archive(t, manyParts(1500, 100<<10)), rows: 2, imported: 1, rejected: 1, says: []string{"3 keyword: At most 255 characters"}},
		{about: "half a workbook", name: "half.xlsx", file: archive(t, holds("xl/worksheets/sheet1.xml", sheetStart, 10, sheetEnd))[:700], failed: []string{`"half.xlsx" is a damaged archive`}},
		{about: "a zip of tables", name: "export.zip", file: zipped(t, map[string]string{"keywords.csv": "Keyword\ncrm\n"}), failed: []string{`"export.zip" is a zip archive. Unpack it`, `"keywords.csv"`}},
	}
}

func utf16le(text string, cut int) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out[:len(out)-cut])
}

func numbered(n int) string {
	var file strings.Builder
	file.WriteString("Keyword,Volume\n")
	for row := range n {
		_, _ = fmt.Fprintf(&file, "keyword number %d,%d\n", row, row)
	}
	return file.String()
}

const (
	contentTypes = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`
	rootRels     = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookXML      = `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`
	bookRels     = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`
	sheetStart   = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Keyword</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>crm</t></is></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>`
	sheetEnd     = `</t></is></c></row></sheetData></worksheet>`
)

var skeleton = map[string]string{"[Content_Types].xml": contentTypes, "_rels/.rels": rootRels, "xl/workbook.xml": bookXML, "xl/_rels/workbook.xml.rels": bookRels}

// holds is a part with a cell of so many bytes.
func holds(name, before string, size int, after string) func(*testing.T, *zip.Writer) {
	return func(t *testing.T, z *zip.Writer) {
		t.Helper()
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, w, before, size, after)
	}
}

// lies is a part that says it has so many bytes.
func lies(name string, size uint64, packed []byte) func(*testing.T, *zip.Writer) {
	return func(t *testing.T, z *zip.Writer) {
		t.Helper()
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: size})
		if err == nil {
			_, err = w.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func manyParts(n, size int) func(*testing.T, *zip.Writer) {
	return func(t *testing.T, z *zip.Writer) {
		t.Helper()
		for i := range n {
			holds(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), sheetStart, size, sheetEnd)(t, z)
		}
	}
}

func deflated(t *testing.T, before string, size int, after string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w, before, size, after)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// archive is a workbook with one sheet, and a part of its own.
func archive(t *testing.T, own func(*testing.T, *zip.Writer)) string {
	t.Helper()
	return zipped(t, skeleton, own)
}

func zipped(t *testing.T, parts map[string]string, more ...func(*testing.T, *zip.Writer)) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range parts {
		holds(name, text, 0, "")(t, z)
	}
	for _, add := range more {
		add(t, z)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func fill(t *testing.T, w io.Writer, before string, size int, after string) {
	t.Helper()
	block := strings.Repeat("x", 1<<20)
	_, err := io.WriteString(w, before)
	for ; err == nil && size > 0; size -= len(block) {
		_, err = io.WriteString(w, block[:min(size, len(block))])
	}
	if err == nil {
		_, err = io.WriteString(w, after)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// internals are words that no answer has.
var internals = regexp.MustCompile(`(?i)sql|pgx|panic|goroutine|\.go\b|/tmp|xml:|zip:|strconv|runtime|keywordfile|context |\bEOF\b|%!`)

func TestABadFileGetsAClearAnswerAndKeepsItsGoodRows(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	p := plant(t, i, "planter")
	free := make(chan bool, 4)
	t.Run("files", func(t *testing.T) {
		for _, f := range badFiles(t) {
			t.Run(f.about, func(t *testing.T) {
				t.Parallel()
				free <- true
				t.Cleanup(func() { <-free })
				f.check(t, p.inNewSector(t, f.about))
			})
		}
	})
	if healthy := p.Do(http.StatusOK, "GET", i.URL()+"/readyz", nil, nil); healthy.Status != http.StatusOK {
		t.Errorf("after that: %s", healthy)
	}
	if peak := i.PeakMemory(t); peak > e2etest.MemoryLimit(300) {
		t.Errorf("it took %d MB of memory", peak>>20)
	} else {
		t.Logf("%d MB of memory at most", peak>>20)
	}
}

func (f badFile) check(t *testing.T, p planter) {
	t.Helper()
	j := p.Await(p.Import(http.StatusAccepted, p.upload(f.name, f.file), nil).Job(t).ID)
	if found := internals.FindString(string(j.Result) + fmt.Sprint(j.Error)); found != "" {
		t.Errorf("it tells %q: %s %v", found, j.Result, j.Error)
	}
	listed := p.Do(http.StatusOK, "GET", "planner/keywords/?page_size=1&sector_id="+p.sector, nil, j.Token).List(t)
	counts(t, listed, int(f.imported))
	if f.failed != nil {
		if j.State != "failed" || j.Error == nil || j.Error.Code != "invalid" {
			t.Fatalf("it %s: %+v %s", j.State, j.Error, j.Result)
		}
		for _, part := range f.failed {
			if !strings.Contains(j.Error.Message, part) {
				t.Errorf("the error does not say %q: %s", part, j.Error.Message)
			}
		}
		return
	}
	report := j.Imported(t)
	if report.Rows != f.rows || report.Imported != f.imported || report.Rejected != f.rejected || report.Duplicates != f.dups {
		t.Errorf("it counts %s", j.Result)
	}
	if len(report.Errors) != len(f.says) {
		t.Fatalf("it tells %d errors, want %d: %s", len(report.Errors), len(f.says), j.Result)
	}
	for n, want := range f.says {
		e := report.Errors[n]
		said := fmt.Sprint(e.Row)
		if e.LastRow > 0 {
			said += fmt.Sprint("-", e.LastRow)
		}
		if e.Column != "" {
			said += " " + e.Column
		}
		if said += ": " + e.Message; !strings.HasPrefix(said, want) {
			t.Errorf("it says %q, want %q", said, want)
		}
	}
}
