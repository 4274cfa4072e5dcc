package keywordfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/igny8/igny8/domain/text"
)

const examples = "../../examples/keywords"

// The bundled exports are read as the tools' own, nearly all rows good, with
// keywords that several files have.
func TestTheBundledExportsAreRead(t *testing.T) {
	t.Parallel()
	keywords, all := map[string]int{}, 0
	for name, want := range map[string]string{
		"google-keyword-planner.csv": "Google Keyword Planner, UTF-16LE, tab-separated, header in row 3",
		"ahrefs.csv":                 "Ahrefs, UTF-16LE, tab-separated, header in row 1",
		"semrush.csv":                "Semrush, UTF-8, comma-separated, header in row 1",
		"semrush.xlsx":               `Semrush, Excel workbook, sheet "manual brewing", header in row 1`,
		"search-console.csv":         "Google Search Console, UTF-8, comma-separated, header in row 1",
		"answerthepublic.csv":        "AnswerThePublic, UTF-8, comma-separated, header in row 2",
	} {
		data, err := os.ReadFile(filepath.Join(examples, name))
		if err != nil {
			t.Fatal(err)
		}
		file := open(t, name, bytes.NewReader(data))
		if got := file.(interface{ Recognised() string }).Recognised(); got != want {
			t.Errorf("%s is read as %s", name, got)
		}
		good, bad := 0, []string{}
		for _, row := range rowsOf(t, file) {
			all++
			if row.Problem != "" {
				bad = append(bad, line(row))
				continue
			}
			good++
			keywords[text.Fold(row.Details.Text)]++
			if _, err := row.Details.Checked(); err != nil {
				t.Errorf("%s row %d: %v", name, row.Row, err)
			}
		}
		if good < 90 || len(bad) > 2 {
			t.Errorf("%s has %d good rows and %d bad: %s", name, good, len(bad), strings.Join(bad, "\n"))
		}
		t.Logf("%s: %d good, bad: %v", name, good, bad)
	}
	twice := 0
	for _, n := range keywords {
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d rows, %d keywords, %d in several files", all, len(keywords), twice)
	if len(keywords) < 600 || twice < 100 {
		t.Errorf("%d keywords, %d of them in several files", len(keywords), twice)
	}
}
