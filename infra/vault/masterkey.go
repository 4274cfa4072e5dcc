package vault

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
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

func newVersion(key []byte) (version, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return version{}, err
	}
	sum := sha256.Sum256(append([]byte("igny8 master key id\x00"), key...))
	return version{id: hex.EncodeToString(sum[:4]), key: key, aead: aead}, nil
}

func randomVersion() (version, error) { return newVersion(randomKey()) }

func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, errors.New("it is not 32 bytes in base64")
	}
	return key, nil
}
