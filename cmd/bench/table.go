package main

import (
	"fmt"
	"io"
	"time"
)

// tableOf prints what was measured, a row as soon as it is known.
type tableOf struct{ out io.Writer }

func (t *tableOf) begin() {
	t.line("| what | measured | against | ratio: median (least to most) | target | |", "|---|---|---|---|---|---|")
}

func (t *tableOf) line(lines ...string) {
	for _, l := range lines {
		_, _ = fmt.Fprintln(t.out, l)
	}
}

// aim is what a figure should reach; the zero aim is for figures that only
// inform.
type aim struct {
	text string
	met  bool
}

func atLeast(figure, least float64, unit string) aim {
	return aim{fmt.Sprintf("at least %s%s", number(least), unit), figure >= least}
}

func atMost(figure, most float64, unit string) aim {
	return aim{fmt.Sprintf("at most %s%s", number(most), unit), figure <= most}
}

func (t *tableOf) row(what, measured, against, figure string, a aim) {
	verdict := ""
	if a.text != "" {
		verdict = "missed"
		if a.met {
			verdict = "met"
		}
	}
	t.line(fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", what, measured, against, figure, a.text, verdict))
}

func number(n float64) string {
	switch {
	case n >= 1000:
		return fmt.Sprintf("%.0fk", n/1000)
	case n == float64(int(n)):
		return fmt.Sprintf("%.0f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}

func perSecond(n float64) string { return fmt.Sprintf("%.1fk/s", n/1000) }

func took(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
