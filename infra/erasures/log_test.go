package erasures_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/commands/retention"
	"github.com/igny8/igny8/infra/erasures"
)

func receipt() retention.Receipt {
	return retention.Receipt{Account: uuid.New(), Subject: uuid.New(), Event: uuid.New(), ErasedAt: time.Now().UTC()}
}

func add(t *testing.T, l *erasures.Log, r retention.Receipt) {
	t.Helper()
	if err := l.Add(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func all(t *testing.T, path string) []retention.Receipt {
	t.Helper()
	receipts, err := erasures.New(path).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

func TestReceiptsAreKeptInOrderAndEachPersonOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "erasures.log")
	if got := all(t, path); len(got) != 0 {
		t.Errorf("no file has %v", got)
	}
	one, other := erasures.New(path), erasures.New(path)
	a, b := receipt(), receipt()
	add(t, one, a)
	add(t, other, b)
	again := a
	again.ErasedAt = time.Now()
	add(t, other, again)
	if got := all(t, path); len(got) != 2 || got[0] != a || got[1] != b {
		t.Errorf("kept %v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestManyProcessesKeepOneChain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "erasures.log")
	var group sync.WaitGroup
	for range 4 {
		l := erasures.New(path)
		group.Go(func() {
			for range 10 {
				if err := l.Add(context.WithoutCancel(t.Context()), receipt()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := all(t, path); len(got) != 40 {
		t.Errorf("%d receipts", len(got))
	}
}

func TestALineThatACrashCutOffIsWrittenAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "erasures.log")
	a, b := receipt(), receipt()
	add(t, erasures.New(path), a)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:30]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := all(t, path); len(got) != 1 || got[0] != a {
		t.Errorf("with half a line it has %v", got)
	}
	add(t, erasures.New(path), b)
	if got := all(t, path); len(got) != 2 || got[1] != b {
		t.Errorf("it goes on with %v", got)
	}
}

func TestADamagedLogIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "erasures.log")
	l := erasures.New(path)
	for range 3 {
		add(t, l, receipt())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for name, damage := range map[string]struct {
		text string
		line int
	}{
		"changed":   {lines[0] + strings.Replace(lines[1], `"account_id":"`, `"account_id":"0`, 1) + lines[2], 2},
		"other id":  {lines[0] + strings.Replace(lines[1], lines[1][15:19], "0000", 1) + lines[2], 2},
		"taken out": {lines[0] + lines[2], 2},
		"no JSON":   {"hello\n" + lines[0], 1},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(damage.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := erasures.New(file).All(t.Context())
		var damaged *erasures.DamagedError
		if !errors.As(err, &damaged) || damaged.Line != damage.line {
			t.Errorf("%s: %v", name, err)
		}
		if err := erasures.New(file).Add(t.Context(), receipt()); !errors.As(err, &damaged) {
			t.Errorf("%s: a receipt was added: %v", name, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, []byte(damage.text)) {
			t.Errorf("%s: the damaged log was changed", name)
		}
	}
	if err := os.Truncate(path, int64(len(lines[0]))); err != nil {
		t.Fatal(err)
	}
	if _, err := l.All(t.Context()); err == nil {
		t.Error("nobody noticed that the end is missing")
	}
}
