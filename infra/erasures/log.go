// Package erasures keeps the receipts of erasures in a file that no backup of
// the database reaches (ERASURE_LOG): one JSON object a line, each with the hash
// of the one before. It implements commands/retention.Receipts.
package erasures

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/igny8/igny8/commands/retention"
	"github.com/igny8/igny8/domain/es"
)

// Log is the file. It is safe for concurrent use, also by many processes of one
// machine. It is made with mode 0600 when the first receipt is added.
type Log struct {
	path string

	mu       sync.Mutex
	read     int64 // bytes, all of them whole lines
	last     string
	receipts []retention.Receipt
	known    map[person]bool
}

type person struct{ account, subject es.ID }

// line is what is written for a receipt.
type line struct {
	retention.Receipt
	// Previous is the hash of the line before, "" in the first one. Hash is the
	// SHA-256 of this line with an empty hash.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

func (l line) sum() (string, error) {
	l.Hash = ""
	text, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// DamagedError says that the log is not as it was written: a line was changed,
// taken out or cut off.
type DamagedError struct {
	Path string
	Line int // 0: the end is missing
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the erasure log %s is damaged at line %d (%v): put a whole copy of it back; without it, who was erased may be readable again after a restore", e.Path, e.Line, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// New is the log in the file at path.
func New(path string) *Log { return &Log{path: path, known: map[person]bool{}} }

// Add returns once the receipt is on the disk. A person who is on the log
// already changes nothing.
func (l *Log) Add(ctx context.Context, r retention.Receipt) error {
	r.ErasedAt = r.ErasedAt.UTC()
	err := l.locked(ctx, os.O_RDWR|os.O_CREATE|os.O_APPEND, syscall.LOCK_EX, func(file *os.File) error {
		if l.known[person{r.Account, r.Subject}] {
			return nil
		}
		if err := file.Truncate(l.read); err != nil { // what a crash left of a line that nobody was told of.
			return err
		}
		return l.append(file, r)
	})
	if err != nil {
		return fmt.Errorf("adding to the erasure log: %w", err)
	}
	return nil
}

// All gives the receipts, the oldest first; none where there is no file. Errors:
// *DamagedError.
func (l *Log) All(ctx context.Context) ([]retention.Receipt, error) {
	var all []retention.Receipt
	err := l.locked(ctx, os.O_RDONLY, syscall.LOCK_SH, func(*os.File) error {
		all = append(all, l.receipts...)
		return nil
	})
	if errors.Is(err, os.ErrNotExist) && l.read == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the erasure log: %w", err)
	}
	return all, nil
}

func (l *Log) append(file *os.File, r retention.Receipt) error {
	next := line{Receipt: r, Previous: l.last}
	sum, err := next.sum()
	if err != nil {
		return err
	}
	next.Hash = sum
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if l.read == 0 {
		if err := syncFolder(filepath.Dir(l.path)); err != nil {
			return err
		}
	}
	l.take(next, len(text))
	return nil
}

func (l *Log) take(next line, length int) {
	l.read += int64(length)
	l.last = next.Hash
	l.receipts = append(l.receipts, next.Receipt)
	l.known[person{next.Account, next.Subject}] = true
}

// locked works on the file under a lock of it, once it was read to its end.
func (l *Log) locked(ctx context.Context, flags, how int, work func(*os.File) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := os.OpenFile(l.path, flags, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was synced where that matters, and this gives the lock back.
	if err := flock(ctx, file, how); err != nil {
		return err
	}
	if err := l.catchUp(file); err != nil {
		return err
	}
	return work(file)
}

func flock(ctx context.Context, file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp reads the lines that were added since, and proves their chain.
func (l *Log) catchUp(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < l.read {
		return &DamagedError{Path: l.path, Err: errors.New("it is shorter than it was")}
	}
	lines := bufio.NewReader(io.NewSectionReader(file, l.read, info.Size()-l.read))
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what there is of an unfinished line was never acknowledged.
		}
		if err != nil {
			return err
		}
		next, err := l.parse(text)
		if err != nil {
			return &DamagedError{Path: l.path, Line: len(l.receipts) + 1, Err: err}
		}
		l.take(next, len(text))
	}
}

func (l *Log) parse(text []byte) (next line, err error) {
	if err := json.Unmarshal(bytes.TrimSpace(text), &next); err != nil {
		return next, err
	}
	sum, err := next.sum()
	switch {
	case err != nil:
		return next, err
	case next.Previous != l.last:
		return next, errors.New("it does not follow the line before")
	case next.Hash != sum:
		return next, errors.New("its hash is another")
	}
	return next, nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
