package keywordfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// Bounds of an archive. What is larger is refused before it is unpacked.
const (
	maxWorkbook  = 64 << 20  // as it is uploaded
	maxUnpacked  = 512 << 20 // all its parts
	maxDirectory = 1 << 20   // the list of its parts
	maxParts     = 2000
)

// archive is a zip file's parts, by their names in small letters.
type archive struct {
	file  *os.File
	parts map[string]*zip.File
}

// openArchive looks at the sizes that the archive's directory gives, which the
// unpacking holds it to.
func openArchive(file *os.File, size int64, name string) (*archive, error) {
	directory := &frugalReader{r: file, left: maxDirectory}
	found, err := zip.NewReader(directory, size)
	switch {
	case directory.left < 0, err == nil && len(found.File) > maxParts:
		return nil, es.Refuse(es.Invalid, "", "The file %q has more than %d parts, which is no keyword export. Save the sheet with the keywords as .csv and upload that.", label(name), maxParts)
	case err != nil:
		return nil, &es.Error{Class: es.Invalid, Message: fmt.Sprintf("The file %q is a damaged archive. Export it again, or save it as .csv.", label(name)), Err: err}
	}
	directory.free = true
	a := &archive{file: file, parts: make(map[string]*zip.File, len(found.File))}
	var all uint64
	for _, part := range found.File {
		if all += min(part.UncompressedSize64, maxUnpacked+1); all > maxUnpacked {
			return nil, es.Refuse(es.Invalid, "", "The file %q unpacks to more than %d MB, which is no keyword export. Save the sheet with the keywords as .csv and upload that.", label(name), maxUnpacked>>20)
		}
		a.parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(part.Name, `\`, "/"), "/"))] = part
	}
	if _, workbook := a.parts[bookPart]; workbook {
		return a, nil
	}
	var tables []string
	for where, part := range a.parts {
		if ext := path.Ext(where); ext == ".csv" || ext == ".tsv" || ext == ".xlsx" {
			tables = append(tables, part.Name)
		}
	}
	if len(tables) > 0 {
		return nil, es.Refuse(es.Invalid, "", "The file %q is a zip archive. Unpack it and upload the file with the keywords; in it are %s.", label(name), quotedCells(tables))
	}
	return nil, es.Refuse(es.Invalid, "", "The file %q is a zip archive, not a table of keywords. Upload a .csv or .xlsx.", label(name))
}

// open unpacks a part as it is read.
func (a *archive) open(part string) (io.ReadCloser, error) {
	f, ok := a.parts[strings.ToLower(part)]
	if !ok {
		return nil, fmt.Errorf("the workbook has no part %q", part)
	}
	return f.Open()
}

// frugalReader fails once more was read than an archive's directory may have.
type frugalReader struct {
	r    io.ReaderAt
	left int64
	free bool
}

var errDirectory = errors.New("the archive's directory is too large")

func (f *frugalReader) ReadAt(p []byte, at int64) (int, error) {
	if !f.free {
		if f.left -= int64(len(p)); f.left < 0 {
			return 0, errDirectory
		}
	}
	return f.r.ReadAt(p, at)
}
