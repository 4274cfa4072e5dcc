package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/igny8/igny8/examples"
)

// export is a keyword export that is ready to be read.
type export struct {
	name string
	io.ReadCloser
}

// openExports opens files that the user names, all or none, so that a wrong name
// is told before anything is done.
func openExports(names []string) ([]export, error) {
	var all []export
	for _, name := range names {
		file, err := os.Open(name)
		if err == nil {
			all = append(all, export{name, file})
			var about os.FileInfo
			if about, err = file.Stat(); err == nil && about.IsDir() {
				err = fmt.Errorf("%s is a folder, not a keyword export", name)
			}
		}
		if err != nil {
			return nil, usageError{errors.Join(err, closeExports(all))}
		}
	}
	return all, nil
}

// bundledExports are those that come with the program.
func bundledExports() ([]export, error) {
	names, files := examples.Keywords()
	var all []export
	for _, name := range names {
		file, err := files.Open(name)
		if err != nil {
			return nil, errors.Join(err, closeExports(all))
		}
		all = append(all, export{name, file})
	}
	return all, nil
}

func closeExports(all []export) error {
	var errs []error
	for _, e := range all {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}
