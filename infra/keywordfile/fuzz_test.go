package keywordfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/keywordfile"
)

// FuzzOpen reads anything: it ends, never panics, gives at most one row a line,
// in ascending places, and no keyword with what no keyword has.
func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.[ctx][sxl][vts]")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(workbook(f, sheetOf{"S", [][]any{{"Keyword", "Volume"}, {"x", 1}, {"y", "1,5"}}}))
	f.Add([]byte("Keyword,Volume\n\"" + strings.Repeat("a\n", 200)))
	f.Add([]byte("Keyword,odd),/(,cpc (,:,%\nx,1,2,3,4,5\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := keywordfile.New().Open("fuzz.csv", bytes.NewReader(data))
		if err != nil {
			var refused *es.Error
			if !errors.As(err, &refused) || refused.Class != es.Invalid || !utf8.ValidString(refused.Message) {
				t.Fatalf("it is refused as %v", err)
			}
			return
		}
		last := int64(0)
		for n := 0; ; n++ {
			row, err := file.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n > len(data) && n > 1<<20 {
				t.Fatalf("%d rows of %d bytes", n, len(data))
			}
			if row.Row <= last {
				t.Fatalf("row %d comes after row %d", row.Row, last)
			}
			last = row.Row
			if row.Problem != "" {
				if !utf8.ValidString(row.Problem) {
					t.Fatalf("problem %q", row.Problem)
				}
				continue
			}
			d := row.Details
			if !utf8.ValidString(d.Text) || strings.ContainsAny(d.Text, "\x00\n\r") || d.Text == "" || len(d.Trend) > 24 || len(d.SerpURLs) > 20 {
				t.Fatalf("row %d is %+v", row.Row, d)
			}
			d.Text = "x"
			if _, err := d.Checked(); err != nil {
				t.Fatalf("row %d is refused: %v", row.Row, err)
			}
		}
		if _, err := file.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the end comes %v", err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
