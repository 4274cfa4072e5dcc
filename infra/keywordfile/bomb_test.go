package keywordfile_test

import (
	"archive/zip"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/infra/keywordfile"
)

const (
	bookXML      = `<?xml version="1.0"?><workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`
	relationsXML = `<?xml version="1.0"?><Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`
	sheetHead    = `<?xml version="1.0"?><worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Keyword</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>crm</t></is></c></row>`
)

// part is a part of a workbook: text with a piece of it again and again.
type part struct {
	name, before, again, after string
	size                       int // bytes of what comes again
}

func packed(t *testing.T, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range append(parts, part{name: "xl/workbook.xml", before: bookXML}, part{name: "xl/_rels/workbook.xml.rels", before: relationsXML}) {
		out, err := w.Create(p.name)
		if err == nil {
			_, err = io.WriteString(out, p.before)
		}
		if p.size > 0 {
			block := strings.Repeat(p.again, max(1, 1<<16/len(p.again)))
			for n := 0; n < p.size && err == nil; n += len(block) {
				_, err = io.WriteString(out, block)
			}
		}
		if err == nil {
			_, err = io.WriteString(out, p.after)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// peak samples the heap while f runs.
func peak(f func()) uint64 {
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		var now runtime.MemStats
		for {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			select {
			case <-stop:
				done <- most
				return
			default:
				time.Sleep(time.Millisecond)
			}
		}
	}()
	f()
	close(stop)
	return <-done
}

func TestAWorkbookThatUnpacksToMuchIsReadInBoundedMemory(t *testing.T) {
	const size = 12 << 20
	sheet := func(before, again, after string) part {
		return part{"xl/worksheets/sheet1.xml", sheetHead + before, again, after + `</sheetData></worksheet>`, size}
	}
	last := `<row r="4"><c t="inlineStr"><is><t>erp</t></is></c></row>`
	for name, c := range map[string]struct {
		parts []part
		want  string // how its rows read, or how it is refused
	}{
		"a cell without end":         {[]part{sheet(`<row r="3"><c t="inlineStr"><is><t>`, "x", `</t></is></c></row>`+last)}, "2 \"crm\"\n3! The sheet is damaged from this row on"},
		"a row without end":          {[]part{sheet(`<row r="3">`, `<c t="str"><v>xyz</v></c>`, `</row>`+last)}, "damaged"},
		"cells in one place":         {[]part{sheet(`<row r="3">`, `<c r="B3" t="str"><v>xyz</v></c>`, `</row>`+last)}, "3! This row is longer than 1 MB"},
		"rows in one place":          {[]part{sheet(``, `<row r="3"><c r="B3"><v>1</v></c></row>`, last)}, "damaged"},
		"cells outside of rows":      {[]part{sheet(``, `<c><v>1</v></c>`, last)}, "4 \"erp\""},
		"an attribute without end":   {[]part{sheet(`<row r="3" x="`, "x", `"></row>`+last)}, "damaged"},
		"a comment without end":      {[]part{sheet(`<!--`, "x", `-->`+last)}, "damaged"},
		"deep elements":              {[]part{sheet(``, "<a>", ``)}, "damaged"},
		"a text without end":         {[]part{{"xl/sharedStrings.xml", `<sst><si><t>`, "x", `</t></si></sst>`, size}, sheet(``, ` `, last)}, "cannot be opened"},
		"a text in many pieces":      {[]part{{"xl/sharedStrings.xml", `<sst><si>`, "<r><t>xxxx</t></r>", `</si></sst>`, size}, sheet(`<row r="3"><c t="s"><v>0</v></c></row>`, ` `, last)}, "3 \"xxxx"},
		"many texts":                 {[]part{{"xl/sharedStrings.xml", `<sst>`, "<si/>", `</sst>`, size}, sheet(``, ` `, last)}, "cannot be opened"},
		"one text in many cells":     {[]part{{"xl/sharedStrings.xml", `<sst><si><t>` + strings.Repeat("y", 30_000) + `</t></si>`, "", `</sst>`, 0}, sheet(`<row r="3">`, `<c r="B3" t="s"><v>0</v></c>`, `</row>`+last)}, "3! This row is longer than 1 MB"},
		"many sheets":                {[]part{{"xl/workbook.xml", `<workbook xmlns:r="r"><sheets>`, `<sheet name="S" r:id="rId1"/>`, `</sheets></workbook>`, size}}, "bomb.xlsx"},
		"a picture, which is no use": {[]part{{"xl/media/image1.png", "", "x", "", size}, {"xl/worksheets/sheet1.xml", sheetHead, "", last + `</sheetData></worksheet>`, 0}}, "4 \"erp\""},
	} {
		data := packed(t, c.parts...)
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		var got string
		most := peak(func() { got = readOrRefused(t, "bomb.xlsx", data) })
		if used := int64(most) - int64(before.HeapAlloc); used > 32<<20 {
			t.Errorf("%s: %d MB of memory", name, used>>20)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s reads as %.300q, want %q", name, got, c.want)
		}
	}
}

func TestAnArchiveOfManyPartsIsRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2500, 60_000} {
		parts := make([]part, n)
		for i := range parts {
			parts[i].name = strings.Repeat("x", i%50+1)
		}
		contains(t, refusal(t, "bomb.xlsx", bytes.NewReader(packed(t, parts...))), "bomb.xlsx", "more than 2000 parts")
	}
}

func readOrRefused(t *testing.T, name string, data []byte) string {
	t.Helper()
	file, err := keywordfile.New().Open(name, bytes.NewReader(data))
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, row := range rowsOf(t, file) {
		lines = append(lines, line(row))
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	return strings.Join(lines, "\n")
}
