package keywordfile_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/keywordfile"
)

var _ planner.KeywordFiles = keywordfile.Reader{}

func open(t testing.TB, name string, r io.Reader) planner.KeywordFile {
	t.Helper()
	file, err := keywordfile.New().Open(name, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}

func rows(t testing.TB, text string) []string {
	t.Helper()
	var lines []string
	for _, row := range rowsOf(t, open(t, "keywords.csv", strings.NewReader(text))) {
		lines = append(lines, line(row))
	}
	return lines
}

func refusal(t *testing.T, name string, r io.Reader) string {
	t.Helper()
	file, err := keywordfile.New().Open(name, r)
	if err == nil {
		_ = file.Close()
		t.Fatal("it was opened")
	}
	if es.ClassOf(err) != es.Invalid {
		t.Fatalf("it is refused as %s: %v", es.ClassOf(err), err)
	}
	return err.Error()
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

func TestAnEmptyFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n  \r\n"} {
		contains(t, refusal(t, "Keyword Stats.csv", strings.NewReader(text)), `"Keyword Stats.csv" is empty`)
	}
}

func TestAFileWithoutKeywordsIsRefusedWithWhatWasSeen(t *testing.T) {
	t.Parallel()
	contains(t, refusal(t, "Daten.csv", strings.NewReader("Export\nDatum;Klicks;Impressionen\n1;2;3\n")),
		`"Daten.csv"`, "semicolon", "row 2", `"Datum", "Klicks", "Impressionen"`, `"Keyword"`)
}

func TestBinaryFilesAreRefusedByName(t *testing.T) {
	t.Parallel()
	for start, kind := range map[string]string{
		"%PDF-1.7\n":           "a PDF",
		"\xD0\xCF\x11\xE0\xA1": ".xls",
		"\x1F\x8B\x08":         "gzip",
		"\x01\x02\x03\x00\x05keyword of sorts\x06\x07\xFE\xFD": "binary data",
	} {
		contains(t, refusal(t, "x.csv", strings.NewReader(start)), kind)
	}
}

func TestAnOverlongLineCostsOneRow(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]string{
		"plain":                 strings.Repeat("x", 10<<20),
		"quoted":                `"` + strings.Repeat("x", 10<<20) + `"`,
		"with a quote":          `"` + strings.Repeat("x", 10<<20),
		"of many cells":         strings.Repeat("x,", 5<<20),
		"of many cells, quoted": strings.Repeat(`"",`, 3<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rows(t, "Keyword,Volume\nfirst,1\n"+long+"\nlast,2\n")
			if len(got) != 3 || got[0] != `2 "first", volume 1` || got[2] != `4 "last", volume 2` {
				t.Fatalf("it reads as %.200q", got)
			}
			contains(t, got[1], "3! This row is longer than 1 MB")
		})
	}
}

// columns repeats a row for ever, at no cost.
type columns struct {
	head, row string
	left      int64
	rest      string
}

func (c *columns) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if c.rest == "" {
			if c.rest, c.head = c.head, ""; c.rest == "" {
				c.rest = c.row
			}
		}
		if c.left <= 0 {
			return n, io.EOF
		}
		k := copy(p[n:], c.rest)
		c.rest = c.rest[k:]
		c.left -= int64(k)
		n += k
	}
	return n, nil
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	for name, source := range map[string]*columns{
		"rows":                {head: "Keyword,Volume\n", row: "some keyword that people search,1000\n", left: 24 << 20},
		"one endless line":    {head: "Keyword,Volume\n", row: "some keyword that people search,1000,", left: 24 << 20},
		"one endless cell":    {head: "Keyword,Volume\n\"", row: "some keyword that people search\n", left: 24 << 20},
		"many lonely quotes":  {head: "Keyword,Volume\n", row: "\"x\"y,\n", left: 1 << 20},
		"many open quotes":    {head: "Keyword,Volume\n", row: "a,\"\nb,c\n", left: 1 << 20},
		"rows of blank cells": {head: "Keyword,Volume\n", row: ",,,,,,,,,,,,,,,\n", left: 24 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			file := open(t, "big.csv", source)
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			most := uint64(0)
			for n := 0; ; n++ {
				if _, err := file.Next(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if n%200_000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					most = max(most, now.HeapAlloc)
				}
			}
			runtime.ReadMemStats(&now)
			if most = max(most, before.HeapAlloc) - before.HeapAlloc; most > 8<<20 {
				t.Errorf("%d bytes were held", most)
			}
		})
	}
}

func TestAReaderThatFailsIsNoBadFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line is down")
	head := strings.NewReader("Keyword,Volume\n")
	if _, err := keywordfile.New().Open("x.csv", io.MultiReader(head, iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("opening gives %v", err)
	}
	file := open(t, "x.csv", io.MultiReader(strings.NewReader("Keyword,Volume\n"+strings.Repeat("some keyword,1\n", 100_000)), iotest.ErrReader(broken)))
	for {
		_, err := file.Next()
		if errors.Is(err, broken) {
			return
		}
		if err != nil {
			t.Fatalf("reading gives %v", err)
		}
	}
}

func TestItReadsTheSameInWhateverPieces(t *testing.T) {
	t.Parallel()
	text := "Keyword\tVolume\n\"türk \"\"kahvesi\"\"\"\t10\r\n\"two\nlines\"\t20\n最後\t30"
	want := strings.Join(rows(t, text), "\n")
	var utf16le bytes.Buffer
	for _, unit := range "\uFEFF" + text {
		utf16le.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	for name, r := range map[string]io.Reader{
		"a byte at a time":   iotest.OneByteReader(strings.NewReader(text)),
		"half of it":         iotest.HalfReader(strings.NewReader(text)),
		"the end with data":  iotest.DataErrReader(strings.NewReader(text)),
		"UTF-16 by the byte": iotest.OneByteReader(bytes.NewReader(utf16le.Bytes())),
	} {
		var got []string
		for _, row := range rowsOf(t, open(t, "x.csv", r)) {
			got = append(got, line(row))
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s reads as %q, not %q", name, got, want)
		}
	}
}

func TestRecognitionTellsTheColumns(t *testing.T) {
	t.Parallel()
	file := open(t, "x.csv", strings.NewReader("Modifier Type,Modifier,Suggestion,Language,Keyword,Search Volume,Cost Per Click\n"))
	seen := file.(interface {
		Recognition() keywordfile.Recognition
	}).Recognition()
	if seen.Tool != "AnswerThePublic" || seen.HeaderRow != 1 || seen.Columns["keyword"][0] != "Suggestion" || seen.Columns["volume"][0] != "Search Volume" {
		t.Errorf("it is %+v", seen)
	}
}

func TestHeadersInManyLanguages(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"KEYWORD,SEARCH VOLUME", "search_term,monthly_searches", "\uFEFFPalabra clave,Promedio de búsquedas mensuales",
		"Mot-clé,Volume de recherche", "Suchbegriff,Suchvolumen", "Palavra-chave,Média de pesquisas mensais", "Parola chiave,Volume di ricerca",
		"Anahtar Kelime,Arama Hacmi", "ANAHTAR KELİME,HACİM", "Ключевое слово,Частотность", "关键词,搜索量", "キーワード,検索ボリューム",
		"Volume,Keyword", "Notes,Volume (US),Keyword:",
	} {
		cells := strings.Split(header, ",")
		row := make([]string, len(cells))
		for i, c := range cells {
			switch strings.ToLower(strings.TrimRight(c, ":")) {
			case "volume", "volume (us)":
				row[i] = "42"
			case "notes":
				row[i] = "mine"
			default:
				row[i] = "espresso"
				if i == 1 && cells[0] != "Volume" {
					row[i] = "42"
				}
			}
		}
		got := rows(t, header+"\n"+strings.Join(row, ",")+"\n")
		if len(got) != 1 || got[0] != `2 "espresso", volume 42` {
			t.Errorf("%q reads as %q", header, got)
		}
	}
}

func TestWindows1252IsSeenAlsoLateInTheFile(t *testing.T) {
	t.Parallel()
	plain := "Keyword,Volume\n" + strings.Repeat("plain words,1\n", 5000)
	got := rows(t, plain+"caf\xe9 cr\xe8me,2\n\"\x93quoted\x94 na\xefve\",3\n")
	if got[5000] != `5002 "café crème", volume 2` || got[5001] != `5003 "“quoted” naïve", volume 3` {
		t.Errorf("it reads as %q", got[5000:])
	}
	got = rows(t, plain+"café,2\ncaf\xe9,3\nfine,4\n")
	contains(t, got[5001], "5003! This row has bytes that are no text in UTF-8")
	contains(t, got[5002], `5004 "fine"`)
}

func TestAQuoteThatClosesFarBelowSwallowsNoRows(t *testing.T) {
	t.Parallel()
	got := rows(t, "Keyword,Volume\n\"open,1\n"+strings.Repeat("between,2\n", 150)+"closing\",3\n")
	if len(got) != 152 || got[1] != `3 "between", volume 2` || got[151] != `153 "closing\"", volume 3` {
		t.Errorf("%d rows, of which %q, %q", len(got), got[0], got[len(got)-1])
	}
	contains(t, got[0], "2! A quote")
}

func TestOnlyPlannerFilesWithoutMonthsHaveBuckets(t *testing.T) {
	t.Parallel()
	header := "Keyword,Avg. monthly searches,Searches: Jan 2026,Searches: Feb 2026\n"
	for text, want := range map[string]string{
		header + "rare,50,,\n":                  `2 "rare", volume ~50`,
		header + "rare,50,,\nusual,90,80,100\n": `2 "rare", volume 50`,
		header + "odd,70,,\n":                   `2 "odd", volume 70`,
		"Keyword,Volume\nrare,50\n":             `2 "rare", volume 50`,
	} {
		if got := rows(t, text); got[0] != want {
			t.Errorf("%q reads as %q", text, got[0])
		}
	}
}
