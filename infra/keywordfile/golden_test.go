package keywordfile_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/keywordfile"
)

var update = flag.Bool("update", false, "write the goldens anew; look at each difference")

// Every file of testdata is read as its golden says: what it was recognised as,
// then each row.
func TestFilesAreReadForWhatTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.[ctx][sxl][vts]")
	if err != nil || len(files) < 40 {
		t.Fatalf("only %d files: %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := listing(t, filepath.Base(path), data)
			golden := path + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("it reads as\n%s\nnot as\n%s", got, want)
			}
		})
	}
}

// listing is a file's golden form.
func listing(t *testing.T, name string, data []byte) string {
	t.Helper()
	file, err := keywordfile.New().Open(name, bytes.NewReader(data))
	if err != nil {
		return "refused: " + err.Error() + "\n"
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	var b strings.Builder
	fmt.Fprintln(&b, file.(interface{ Recognised() string }).Recognised())
	for _, row := range rowsOf(t, file) {
		fmt.Fprintln(&b, line(row))
	}
	if file.Read() != int64(len(data)) {
		t.Errorf("%d of %d bytes were read", file.Read(), len(data))
	}
	return b.String()
}

func rowsOf(t testing.TB, file planner.KeywordFile) []planner.KeywordRow {
	t.Helper()
	var rows []planner.KeywordRow
	for {
		row, err := file.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// line is a row's golden form. "~" marks buckets.
func line(r planner.KeywordRow) string {
	if r.Problem != "" {
		if r.Column != "" {
			return fmt.Sprintf("%d! %s: %s", r.Row, r.Column, r.Problem)
		}
		return fmt.Sprintf("%d! %s", r.Row, r.Problem)
	}
	d := r.Details
	parts := []string{fmt.Sprintf("%d %q", r.Row, d.Text)}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if d.Country != "" {
		add("in %s", d.Country)
	}
	if d.Volume != nil {
		mark := ""
		if d.VolumeIsBucket {
			mark = "~"
		}
		add("volume %s%d", mark, *d.Volume)
	}
	if d.Difficulty != nil {
		add("difficulty %d", *d.Difficulty)
	}
	if d.CPC != nil {
		add("cpc %d %s", *d.CPC, d.Currency)
	}
	if len(d.Intents) > 0 {
		add("intents %v by %s %d%%", d.Intents, d.IntentSource, d.IntentConfidence)
	}
	if len(d.Trend) > 0 {
		add("trend %v", d.Trend)
	}
	if d.ParentTopic != "" {
		add("parent %q", d.ParentTopic)
	}
	if len(d.SerpURLs) > 0 {
		add("urls %v", d.SerpURLs)
	}
	return strings.Join(parts, ", ")
}
