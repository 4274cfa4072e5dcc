package e2etest

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

// firstLine hands over the first line that is written to it, and drops the rest.
type firstLine struct {
	mu   sync.Mutex
	text []byte
	done bool
	line chan string
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return len(p), nil
	}
	f.text = append(f.text, p...)
	if line, _, found := bytes.Cut(f.text, []byte("\n")); found {
		f.done = true
		f.line <- string(line)
	}
	return len(p), nil
}

// log is all that an installation's processes logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of the log, without the requests that went well.
func (l *log) tail() string {
	var kept []string
	for line := range strings.Lines(l.String()) {
		if !strings.Contains(line, `"msg":"request"`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept[max(0, len(kept)-30):], "")
}

// check fails the test on a data race, an error that is not allowed, a line that
// no program can read, and on secrets.
func (l *log) check(t testing.TB, secrets, allowed []string) {
	t.Helper()
	text := l.String()
	if strings.Contains(text, "DATA RACE") {
		t.Errorf("the program has a data race:\n%s", text[strings.Index(text, "DATA RACE"):])
		return
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		var entry struct{ Level, Msg string }
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			if strings.HasSuffix(line, "\n") && i < len(lines)-1 { // a killed process leaves half a line
				t.Errorf("a line of the log is not JSON: %s", line)
			}
			continue
		}
		if entry.Level == "ERROR" && !startsWithAny(entry.Msg, allowed) {
			t.Errorf("the log has an error: %s", line)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds a secret: %q", secret)
		}
	}
}

func startsWithAny(text string, beginnings []string) bool {
	for _, b := range beginnings {
		if strings.HasPrefix(text, b) {
			return true
		}
	}
	return false
}

// secrets is what must not be in any log.
type secrets struct {
	mu   sync.Mutex
	kept []string
}

func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if text != "" {
			s.kept = append(s.kept, text)
		}
	}
}

func (s *secrets) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.kept...)
}
