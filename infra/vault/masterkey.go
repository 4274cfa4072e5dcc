package vault

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const masterKeyHeader = "igny8 master key 1"

// MasterKey wraps the keys that are kept as rows. Its text form is
//
//	igny8 master key 1
//	seed <base64 of 32 bytes>
//	key <id> <base64 of 32 bytes>
//
// with one "key" line for each version; the last one wraps, all of them unwrap.
// The id is a checksum of its key, so that a damaged line is noticed. The seed
// is what Derive draws from: it stays when a version is added, so that derived
// secrets, such as the passwords of database roles, survive a rotation.
type MasterKey struct {
	path string // "" when it did not come from a file

	mu       sync.RWMutex
	seed     []byte
	versions []version
}

type version struct {
	id   string
	key  []byte
	aead cipher.AEAD
}

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

// ParseMasterKey reads the text form. Errors never quote what they refuse.
func ParseMasterKey(text []byte) (*MasterKey, error) {
	m := &MasterKey{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	if !lines.Scan() || strings.TrimSpace(lines.Text()) != masterKeyHeader {
		return nil, fmt.Errorf("not a master key: the first line is not %q", masterKeyHeader)
	}
	for n := 2; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0:
		case len(words) == 2 && words[0] == "seed" && m.seed == nil:
			seed, err := decodeKey(words[1])
			if err != nil {
				return nil, fmt.Errorf("not a master key: line %d: %w", n, err)
			}
			m.seed = seed
		case len(words) == 3 && words[0] == "key":
			key, err := decodeKey(words[2])
			if err != nil {
				return nil, fmt.Errorf("not a master key: line %d: %w", n, err)
			}
			v, err := newVersion(key)
			if err != nil {
				return nil, err
			}
			if v.id != words[1] {
				return nil, fmt.Errorf("not a master key: line %d: the key is not the one that its id names", n)
			}
			m.versions = append(m.versions, v)
		default:
			return nil, fmt.Errorf("not a master key: line %d is neither the seed nor a key", n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading a master key: %w", err)
	}
	if m.seed == nil || len(m.versions) == 0 {
		return nil, errors.New("not a master key: it needs a seed and at least one key")
	}
	return m, nil
}

// Derive gives 32 secret bytes for a purpose (HKDF-SHA256 of the seed). The
// same info always gives the same bytes, also after AddVersion; only a new
// seed, which means setting every derived secret anew, changes them.
func (m *MasterKey) Derive(info string) []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out, err := hkdf.Key(sha256.New, m.seed, nil, info, 32)
	if err != nil {
		panic("vault: HKDF of 32 bytes: " + err.Error()) // only a length past 8,160 bytes can fail
	}
	return out
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

// Current is the id of the version that wraps.
func (m *MasterKey) Current() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.versions[len(m.versions)-1].id
}

// Wrap encrypts a key, bound to what it is for, and says under which version.
func (m *MasterKey) Wrap(key, purpose []byte) (id string, wrapped []byte) {
	m.mu.RLock()
	v := m.versions[len(m.versions)-1]
	m.mu.RUnlock()
	return v.id, encrypt(v.aead, key, purpose)
}

// Unwrap decrypts what Wrap gave. An id that is not known yet is looked for in
// the file, so that a version added by another process is found.
func (m *MasterKey) Unwrap(id string, wrapped, purpose []byte) ([]byte, error) {
	v, ok := m.version(id)
	if !ok && m.path != "" {
		if err := m.reload(); err != nil {
			return nil, err
		}
		v, ok = m.version(id)
	}
	if !ok {
		return nil, fmt.Errorf("the master key has no version %q", id)
	}
	key, err := decrypt(v.aead, wrapped, purpose)
	if err != nil {
		return nil, fmt.Errorf("a row's key does not open with master key version %q: %w", id, err)
	}
	return key, nil
}

func (m *MasterKey) version(id string) (version, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, v := range m.versions {
		if v.id == id {
			return v, true
		}
	}
	return version{}, false
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

func newVersion(key []byte) (version, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return version{}, err
	}
	sum := sha256.Sum256(append([]byte("igny8 master key id\x00"), key...))
	return version{id: hex.EncodeToString(sum[:4]), key: key, aead: aead}, nil
}

func randomVersion() (version, error) { return newVersion(randomKey()) }

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

func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, errors.New("it is not 32 bytes in base64")
	}
	return key, nil
}

func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return aead, nil
}

func encrypt(aead cipher.AEAD, plain, bound []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, bound)
}

func decrypt(aead cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("too short to be sealed")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], bound)
}
