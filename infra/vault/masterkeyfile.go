package vault

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenMasterKey reads the master key from a file, and makes the file with mode
// 0600 when there is none. A file that others can read, or of another form, is
// refused. Several processes may open the same path at once: they get one key.
func OpenMasterKey(path string) (*MasterKey, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeMasterKey(path)
	}
	if err != nil {
		return nil, err
	}
	m, err := ParseMasterKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.path = path
	return m, nil
}

// AddVersion puts a new version into the file, which wraps from then on here
// and in every process that opens the file or meets the new version's id. An
// old line may be taken out of the file once Vault.RotateMaster says that none
// of its rows remain and every process was restarted.
func (m *MasterKey) AddVersion() error {
	if m.path == "" {
		return errors.New("the master key did not come from a file: add the version where it is kept")
	}
	if err := m.reload(); err != nil {
		return err
	}
	v, err := randomVersion()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := append(m.versions[:len(m.versions):len(m.versions)], v)
	if err := writePrivate(m.path, format(m.seed, versions), os.Rename); err != nil {
		return fmt.Errorf("adding a master key version: %w", err)
	}
	m.versions = versions
	return nil
}

func (m *MasterKey) reload() error {
	text, err := readPrivate(m.path)
	if err != nil {
		return err
	}
	read, err := ParseMasterKey(text)
	if err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions = read.versions
	return nil
}

func makeMasterKey(path string) ([]byte, error) {
	v, err := randomVersion()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the master key's folder: %w", err)
	}
	// A link fails when another process was first; then theirs is read.
	err = writePrivate(path, format(randomKey(), []version{v}), os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the master key: %w", err)
	}
	return readPrivate(path)
}

func format(seed []byte, versions []version) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nseed %s\n", masterKeyHeader, base64.StdEncoding.EncodeToString(seed))
	for _, v := range versions {
		fmt.Fprintf(&b, "key %s %s\n", v.id, base64.StdEncoding.EncodeToString(v.key))
	}
	return b.Bytes()
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	switch {
	case !info.Mode().IsRegular() || info.Size() > 1<<16:
		return nil, fmt.Errorf("master key %s: not a file of a master key", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("master key %s: others can read or change it (mode %04o): run chmod 600 on it, and replace it if it may have leaked", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return text, nil
}

// writePrivate makes the whole file durable under another name before place
// (os.Link or os.Rename) gives it its own.
func writePrivate(path string, text []byte, place func(from, to string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone already after a rename.
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
