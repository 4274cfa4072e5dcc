package vault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/igny8/igny8/infra/vault"
)

func TestAMasterKeyIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "master.key")
	derived := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range derived {
		wg.Go(func() {
			key, err := vault.OpenMasterKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			derived[i] = key.Derive("x")
		})
	}
	wg.Wait()
	for i := range derived {
		if !bytes.Equal(derived[i], derived[0]) {
			t.Fatal("two processes made different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestAMasterKeyThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		path := filepath.Join(t.TempDir(), "master.key")
		openKey(t, path)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.OpenMasterKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestADamagedMasterKeyIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	openKey(t, path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	key := strings.Fields(lines[2])
	swap := func(s string) string { // another letter in the middle: still base64
		b := []byte(s)
		b[20] = map[bool]byte{true: 'A', false: 'B'}[b[20] != 'A']
		return string(b)
	}
	for name, damaged := range map[string]string{
		"empty": "", "another file": "hello\n", "no key": strings.Join(lines[:2], "\n"), "no seed": lines[0] + "\n" + lines[2],
		"two seeds":      strings.Join([]string{lines[0], lines[1], lines[1], lines[2]}, "\n"),
		"a changed key":  strings.Join([]string{lines[0], lines[1], "key " + key[1] + " " + swap(key[2])}, "\n"),
		"a short key":    strings.Join([]string{lines[0], lines[1], "key " + key[1] + " " + key[2][:40]}, "\n"),
		"a strange line": strings.Join(append(slices.Clone(lines), "hello world"), "\n"),
	} {
		_, err := vault.ParseMasterKey([]byte(damaged))
		if err == nil {
			t.Errorf("%s: it was taken", name)
			continue
		}
		if strings.Contains(err.Error(), key[2][:20]) || strings.Contains(err.Error(), "hello") {
			t.Errorf("%s: the error quotes what it refuses: %v", name, err)
		}
	}
}

func TestDerivedSecretsDifferByPurpose(t *testing.T) {
	t.Parallel()
	key := masterKey(t)
	if bytes.Equal(key.Derive("postgres role igny8_app"), key.Derive("postgres role igny8_login")) {
		t.Error("two purposes have one secret")
	}
	if got := len(key.Derive("x")); got != 32 {
		t.Errorf("%d bytes", got)
	}
}

func keepLastVersion(t *testing.T, path string) *vault.MasterKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	key, err := vault.ParseMasterKey([]byte(strings.Join([]string{lines[0], lines[1], lines[len(lines)-1]}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
