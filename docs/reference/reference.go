// Package reference makes the documents that come from code: the golden schemas
// and payloads of events, the event catalogue, AsyncAPI and the permission table. A test
// checks them on every run, and writes them when it is told to.
package reference

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
)

// Documents is what they are made from, and where they are kept.
type Documents struct {
	// Docs is the folder docs of the repository.
	Docs string
	// Source is the root of the repository, whose comments say what events mean.
	Source      string
	Registry    *es.Registry
	Permissions []Permission
}

// Check compares what is kept with the code. Its error says, a line each, what
// differs and what to do; a kept schema or payload that the code no longer
// honours is an error that Update does not mend.
func (d Documents) Check() error {
	goldens, err := d.goldens()
	if err != nil {
		return err
	}
	problems := append(goldens.broken, goldens.outdated()...)
	pages, err := d.pages()
	if err != nil {
		return err
	}
	for name, content := range pages {
		kept, err := os.ReadFile(filepath.Join(d.Docs, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading docs/%s: %w", name, err)
		}
		if !bytes.Equal(kept, content) {
			problems = append(problems, fmt.Errorf("docs/%s differs from the code: run `make generate` and commit it", name))
		}
	}
	return errors.Join(problems...)
}

// Update writes what is missing or outdated. It refuses, and writes nothing,
// when a released event lost a field or changed one: regenerating is no way
// around that. Doing it again changes nothing.
func (d Documents) Update() error {
	goldens, err := d.goldens()
	if err != nil {
		return err
	}
	if err := errors.Join(goldens.broken...); err != nil {
		return err
	}
	if err := goldens.write(); err != nil {
		return err
	}
	pages, err := d.pages()
	if err != nil {
		return err
	}
	for name, content := range pages {
		if err := write(filepath.Join(d.Docs, name), content); err != nil {
			return err
		}
	}
	return nil
}

func (d Documents) pages() (map[string][]byte, error) {
	events, err := d.catalogue()
	if err != nil {
		return nil, err
	}
	async, err := eventschema.AsyncAPI(d.Registry)
	if err != nil {
		return nil, fmt.Errorf("the events' document: %w", err)
	}
	return map[string][]byte{"events.md": events, "permissions.md": permissionTable(d.Permissions), "asyncapi.json": async}, nil
}

func write(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // G301: documents are for everybody.
		return fmt.Errorf("making the folder of %s: %w", file, err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // G306: documents are for everybody.
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
