// Package progress shows how far a long command has come: a bar on a terminal,
// plain lines elsewhere, nothing for programs. It belongs on standard error, so
// that standard output stays for results.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Mode says how progress is shown.
type Mode int

// The modes.
const (
	Silent Mode = iota // nothing at all, for --json
	Lines              // whole lines, at most one every few seconds
	Bar                // one line that is drawn over
)

// How often something is shown.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
)

// Detect picks the mode for a file: Silent when a program reads the results,
// Bar on a terminal, Lines elsewhere.
func Detect(file *os.File, json bool) Mode {
	switch {
	case json:
		return Silent
	case term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb":
		return Bar
	default:
		return Lines
	}
}

// Progress tells about one command's work, stage by stage. Its methods may be
// called by several goroutines. It writes only when it is called.
type Progress struct {
	mode  Mode
	w     io.Writer
	unit  string
	clock func() time.Time

	mu          sync.Mutex
	stage       string
	done, total int64
	since       time.Time // when the stage began
	shown       time.Time // when something was last shown
	width       int       // of the bar that stands on the terminal
	ended       bool
}

// New makes a Progress that counts units ("events") and writes to w. A nil
// clock is the real one.
func New(w io.Writer, mode Mode, unit string, clock func() time.Time) *Progress {
	if clock == nil {
		clock = time.Now
	}
	return &Progress{mode: mode, w: w, unit: unit, clock: clock}
}

// Stage ends the stage before, and begins one with that much to do; a total of
// 0 is unknown.
func (p *Progress) Stage(name string, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endStage()
	p.stage, p.done, p.total, p.since, p.ended = name, 0, total, p.clock(), false
	p.shown = p.since
	if p.mode == Bar {
		p.draw()
	}
}

// Add says that n more are done.
func (p *Progress) Add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show()
}

// Set says how many are done of how many; a total of 0 leaves it as it was.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	if total > 0 {
		p.total = total
	}
	p.show()
}

// Finish shows the last stage as it ended. Doing it again shows nothing.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endStage()
}

func (p *Progress) show() {
	now := p.clock()
	switch {
	case p.mode == Bar && now.Sub(p.shown) >= barEvery:
		p.shown = now
		p.draw()
	case p.mode == Lines && now.Sub(p.shown) >= lineEvery:
		p.shown = now
		p.write(p.text() + "\n")
	}
}

func (p *Progress) endStage() {
	if p.stage == "" || p.ended {
		return
	}
	p.ended = true
	switch p.mode {
	case Bar:
		p.draw()
		p.write("\n")
		p.width = 0
	case Lines:
		p.write(p.text() + "\n")
	case Silent:
	}
}

func (p *Progress) draw() {
	line := p.text()
	padding := max(0, p.width-len([]rune(line)))
	p.width = len([]rune(line))
	p.write("\r" + line + strings.Repeat(" ", padding))
}

// write ignores errors: a closed terminal must not stop the work.
func (p *Progress) write(text string) { _, _ = io.WriteString(p.w, text) }

func (p *Progress) text() string {
	elapsed := p.clock().Sub(p.since)
	rate := float64(p.done) / max(elapsed.Seconds(), 1e-3)
	var b strings.Builder
	b.WriteString(p.stage)
	if p.mode == Bar && p.total > 0 {
		const cells = 24
		full := int(min(p.done, p.total) * cells / p.total)
		b.WriteString(" [" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]")
	}
	fmt.Fprintf(&b, " %s", count(p.done))
	if p.total > 0 {
		fmt.Fprintf(&b, " of %s", count(p.total))
	}
	fmt.Fprintf(&b, " %s", p.unit)
	if p.total > 0 {
		fmt.Fprintf(&b, ", %d%%", min(p.done, p.total)*100/p.total)
	}
	if p.done > 0 && elapsed > 0 {
		fmt.Fprintf(&b, ", %s/s", count(int64(rate)))
	}
	switch {
	case p.ended:
		fmt.Fprintf(&b, ", took %s", round(elapsed))
	case p.done > 0 && p.done < p.total && elapsed > 0:
		fmt.Fprintf(&b, ", %s left", round(time.Duration(float64(p.total-p.done)/rate*float64(time.Second))))
	}
	return b.String()
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// count writes a number with a comma between thousands.
func count(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
