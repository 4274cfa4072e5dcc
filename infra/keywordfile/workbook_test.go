package keywordfile_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"testing"

	"github.com/xuri/excelize/v2"
)

// sheetOf is a sheet of a workbook that a test makes.
type sheetOf struct {
	name string
	rows [][]any
}

func workbook(t testing.TB, sheets ...sheetOf) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	}()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range sheets {
		if i == 0 {
			must(book.SetSheetName("Sheet1", s.name))
		} else if _, err := book.NewSheet(s.name); err != nil {
			t.Fatal(err)
		}
		w, err := book.NewStreamWriter(s.name)
		must(err)
		for n, row := range s.rows {
			must(w.SetRow(fmt.Sprintf("A%d", n+1), row))
		}
		must(w.Flush())
	}
	var b bytes.Buffer
	must(book.Write(&b))
	return b.Bytes()
}

func TestWorkbooksAreReadForWhatTheyAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sheets []sheetOf
		want   string
	}{
		"Semrush has one sheet, named after the seed": {
			[]sheetOf{{"espresso machine", [][]any{
				{"Keyword", "Intent", "Volume", "Trend", "Keyword Difficulty", "CPC (USD)"},
				{"espresso machine", "Commercial, Transactional", 165000, "0.82,1.00", 72, 0.6},
				{"espresso machine under 200", nil, 1.9e3, nil, nil, 1.234},
				{nil, nil, nil},
				{"-site:example.com espresso", "Informational", 10},
				{"=HYPERLINK(\"x\")", nil, 1},
			}}},
			`Semrush, Excel workbook, sheet "espresso machine", header in row 1
2 "espresso machine", volume 165000, difficulty 72, cpc 60 USD, intents [commercial transactional] by import 90%, trend [82 100]
3 "espresso machine under 200", volume 1900, cpc 123 USD
5 "-site:example.com espresso", volume 10, intents [informational] by import 90%
6! Keyword: The keyword is a formula, which a spreadsheet could run. Replace it by its text.
`,
		},
		"SE Ranking writes intents as letters": {
			[]sheetOf{{"Keywords", [][]any{
				{"Keyword", "Difficulty", "Search vol.", "Search intent", "SERP features", "CPC", "Competition"},
				{"pour over stand", 12, 390, "I, N", "", 0.45, 0.9},
				{"pour over stand wood", 0, 0, "C, T, L", "", nil, nil},
			}}},
			`SE Ranking, Excel workbook, sheet "Keywords", header in row 1
2 "pour over stand", volume 390, difficulty 12, cpc 45 , intents [informational navigational] by import 90%
3 "pour over stand wood", volume 0, difficulty 0, intents [commercial transactional] by import 90%
`,
		},
		"Search Console's queries are on the second sheet": {
			[]sheetOf{
				{"Grafik", [][]any{{"Tarih", "Tıklamalar", "Gösterimler", "TO", "Pozisyon"}, {45292, 5, 90, 0.0555, 3.2}}},
				{"Sorgular", [][]any{{"En çok yapılan sorgular", "Tıklamalar", "Gösterimler", "TO", "Pozisyon"}, {"v60 tarifi", 5, 30, 0.16670000000000001, 3.2}}},
				{"Sayfalar", [][]any{{"En çok ziyaret edilen sayfalar", "Tıklamalar"}, {"https://example.com/", 5}}},
				{"Filtreler", [][]any{{"Filtre", "Değer"}, {"Tarih", "Son 3 ay"}}},
			},
			`Google Search Console, Excel workbook, sheet "Sorgular", header in row 1
2 "v60 tarifi"
`,
		},
		"A title and a blank row may stand before the header": {
			[]sheetOf{{"S", [][]any{{"My list"}, {}, {"Notes", "Keyword", "Volume"}, {"", "moka pot", "1,300"}, {"", "Total", 1300}}}},
			`table, Excel workbook, sheet "S", header in row 3
4 "moka pot", volume 1300
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := listing(t, "x.csv", workbook(t, c.sheets...)); got != c.want {
				t.Errorf("it reads as\n%s\nnot as\n%s", got, c.want)
			}
		})
	}
}

func TestAWorkbookWithoutKeywordsIsRefusedWithItsSheets(t *testing.T) {
	t.Parallel()
	data := workbook(t, sheetOf{"Chart", [][]any{{"Date", "Clicks"}, {1, 2}}}, sheetOf{"Filters", nil})
	contains(t, refusal(t, "gsc.xlsx", bytes.NewReader(data)), `"gsc.xlsx"`, `"Chart" with "Date", "Clicks"`, `"Filters"`, `"Keyword"`)
}

// zipped makes an archive of parts.
func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOtherArchivesAreRefused(t *testing.T) {
	t.Parallel()
	contains(t, refusal(t, "export.zip", bytes.NewReader(zipped(t, map[string]string{"Queries.csv": "Top queries\nx\n"}))), "zip archive", `"Queries.csv"`)
	contains(t, refusal(t, "x.xlsx", bytes.NewReader(zipped(t, map[string]string{"photo.jpg": "x"}))), "zip archive")
	whole := workbook(t, sheetOf{"S", [][]any{{"Keyword"}, {"x"}}})
	contains(t, refusal(t, "x.xlsx", bytes.NewReader(whole[:len(whole)/2])), "damaged archive")
	contains(t, refusal(t, "x.xlsx", bytes.NewReader(zipped(t, map[string]string{"xl/workbook.xml": "<not", "[Content_Types].xml": "x"}))), "x.xlsx")
}

func TestAZipBombIsRefusedInBoundedMemory(t *testing.T) {
	bomb := func(name string, size int, lie bool) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if _, err := w.Create("xl/workbook.xml"); err != nil {
			t.Fatal(err)
		}
		if lie {
			raw := bytes.Repeat([]byte{0}, 1<<20)
			part, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(raw[:10]), UncompressedSize64: 10, CompressedSize64: uint64(len(raw))})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := part.Write(raw); err != nil {
				t.Fatal(err)
			}
		} else {
			part, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			zeros := make([]byte, 1<<20)
			for range size >> 20 {
				if _, err := part.Write(zeros); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"a sheet that is too large":        bomb("xl/worksheets/sheet1.xml", 600<<20, false),
		"a part that excel holds":          bomb("xl/media/image1.png", 64<<20, false),
		"a sheet that is not what it says": bomb("xl/worksheets/sheet1.xml", 0, true),
		"a sheet of zeros":                 bomb("xl/worksheets/sheet1.xml", 32<<20, false),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		message := refusal(t, "bomb.xlsx", bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s took %d MB in all", name, used>>20)
		}
		contains(t, message, `"bomb.xlsx"`)
	}
}

func TestAWorkbookLeavesNoFiles(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	left := func() int {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	rows := [][]any{{"Keyword", "Volume"}}
	for i := range 60_000 {
		rows = append(rows, []any{fmt.Sprintf("a rather long keyword about coffee %d", i), i})
	}
	data := workbook(t, sheetOf{"S", rows})
	file := open(t, "x.xlsx", bytes.NewReader(data))
	if left() != 1 {
		t.Errorf("while it is read %d files are there", left())
	}
	if got := len(rowsOf(t, file)); got != 60_000 {
		t.Errorf("%d rows came", got)
	}
	if err := file.Close(); err != nil || left() != 0 {
		t.Errorf("%d files are left: %v", left(), err)
	}
	refusal(t, "x.xlsx", bytes.NewReader(data[:len(data)-30]))
	refusal(t, "x.xlsx", bytes.NewReader(workbook(t, sheetOf{"S", [][]any{{"Date", "Clicks"}}})))
	if left() != 0 {
		t.Errorf("%d files are left of refused ones", left())
	}
}
