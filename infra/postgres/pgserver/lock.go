package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// InUseError says that another live process holds the data folder.
type InUseError struct {
	Dir string
	PID int // 0 when it could not be read
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data folder %s is in use by another igny8: stop that one, or choose another folder with --data", e.Dir)
	}
	return fmt.Sprintf("data folder %s is in use by another igny8 (process %d): stop that one (kill %d), or choose another folder with --data",
		e.Dir, e.PID, e.PID)
}

// folderLock is an advisory file lock, which the kernel drops when its holder
// dies, however it dies.
type folderLock struct{ file *os.File }

func lockFolder(dir string) (*folderLock, error) {
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // G301: the server's account walks through it; what is inside is 0700 or 0600.
		return nil, fmt.Errorf("data folder: %w", err)
	}
	path := filepath.Join(dir, "igny8.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		text := make([]byte, 20)
		n, _ := file.Read(text)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
		_ = file.Close()
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), writePID(file))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	return &folderLock{file}, nil
}

func writePID(file *os.File) error {
	_, err := file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return err
}

func (l *folderLock) dir() string { return filepath.Dir(l.file.Name()) }

func (l *folderLock) release() { _ = l.file.Close() }
