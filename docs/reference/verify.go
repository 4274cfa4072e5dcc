package reference

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/igny8/igny8/domain/es"
)

// UpdateVariable is the environment variable that lets Verify write.
const UpdateVariable = "IGNY8_UPDATE_DOCUMENTS"

// Verify is the whole test of the repository's documents: it fails on drift, and
// with IGNY8_UPDATE_DOCUMENTS=1 (`make generate`) it first writes what may be
// written. Root is the repository's root.
func Verify(t testing.TB, root string, registry *es.Registry, permissions []Permission) {
	t.Helper()
	d := Documents{Docs: filepath.Join(root, "docs"), Source: root, Registry: registry, Permissions: permissions}
	if os.Getenv(UpdateVariable) == "1" {
		if err := d.Update(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
}
