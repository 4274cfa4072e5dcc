// Package examples holds files to try igny8 with, for the program that plays a
// demonstration on them.
package examples

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed keywords
var files embed.FS

// Keywords are exports of keyword tools, each in the tool's own format.
func Keywords() ([]string, fs.FS) {
	var names []string
	entries, _ := fs.ReadDir(files, "keywords") // it is compiled in.
	for _, e := range entries {
		if !e.IsDir() && !strings.HasSuffix(e.Name(), ".md") {
			names = append(names, path.Join("keywords", e.Name()))
		}
	}
	return names, files
}
