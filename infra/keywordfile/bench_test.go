package keywordfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processorTime is what the process used of all cores: on a busy machine it
// tells more than the clock.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkRows reports rows a second of the common formats.
func BenchmarkRows(b *testing.B) {
	for name, file := range map[string]struct {
		head string
		row  func(i int) string
	}{
		"two columns": {"Keyword,Volume\n", func(i int) string { return fmt.Sprintf("best coffee grinder number %d,%d\n", i, i) }},
		"semrush": {
			"Keyword,Intent,Volume,Trend,Keyword Difficulty,CPC (USD),Competitive Density,SERP Features,Number of Results\n",
			func(i int) string {
				return fmt.Sprintf("espresso beans %d,\"Informational, Transactional\",%d,\"0.66,0.66,0.82,1.00,0.54,0.54,0.54,0.66,0.66,0.66,0.82,0.82\",48,0.92,1.00,\"Image pack, Reviews\",82300000\n", i, i%40000)
			},
		},
		"ahrefs": {
			"#,Keyword,Country,Difficulty,Volume,CPC,CPS,Parent Keyword,Last Update,SERP Features,Global volume,Traffic potential,Intents\n",
			func(i int) string {
				return fmt.Sprintf("\"%d\",\"coffee canister %d\",\"gb\",\"11\",\"900\",\"1\",\"\",\"coffee canister\",\"2026-02-04 03:48:18\",\"Sitelinks,Image pack\",\"9900\",\"1500\",\"Commercial,Non-branded\"\n", i, i)
			},
		},
	} {
		b.Run(name, func(b *testing.B) {
			const count = 50_000
			var text strings.Builder
			text.WriteString(file.head)
			for i := range count {
				text.WriteString(file.row(i))
			}
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			before := processorTime()
			for b.Loop() {
				f := open(b, "x.csv", strings.NewReader(text.String()))
				rows := 0
				for {
					row, err := f.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil || row.Problem != "" {
						b.Fatal(err, row.Problem)
					}
					rows++
				}
				if rows != count {
					b.Fatalf("%d rows", rows)
				}
			}
			b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(count)*float64(b.N)/(processorTime()-before).Seconds(), "rows/cpu-s")
		})
	}
}
