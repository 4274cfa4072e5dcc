package main

import (
	"path/filepath"
	"testing"

	"github.com/igny8/igny8/docs/reference"
)

func TestDocumentsAreUpToDate(t *testing.T) {
	t.Parallel()
	reference.Verify(t, filepath.Join("..", ".."), registry(), reference.Operations(operations()...))
}
