package keywordfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// Of a workbook so many sheets are looked at.
const maxSheets = 50

// The parts of a workbook that have fixed names.
const (
	bookPart      = "xl/workbook.xml"
	relationsPart = "xl/_rels/workbook.xml.rels"
	textsPart     = "xl/sharedstrings.xml"
)

// workbook is a spreadsheet's archive. It is read by what is here, and not by a
// library, since an archive of 300 KB can unpack to a cell of 300 MB, which
// libraries hold in memory several times.
type workbook struct {
	*archive
	sheets []bookSheet
	texts  *texts
}

// bookSheet is a sheet's title and the part that has its rows.
type bookSheet struct{ title, part string }

// openWorkbook copies the workbook to a temporary folder and finds the sheet with
// keywords.
func (f *file) openWorkbook(name string, r io.Reader) (err error) {
	folder, err := os.MkdirTemp("", "keywordfile-")
	if err != nil {
		return fmt.Errorf("making a folder for a workbook: %w", err)
	}
	closers := []func() error{func() error { return os.RemoveAll(folder) }}
	closeAll := func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		closers = nil // closing again does nothing.
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			if closing := closeAll(); closing != nil {
				err = errors.Join(err, closing)
			}
		}
	}()
	copied, size, err := spool(path.Join(folder, "workbook.xlsx"), name, r)
	if err != nil {
		return err
	}
	closers = append(closers, copied.Close)
	parts, err := openArchive(copied, size, name)
	if err != nil {
		return err
	}
	book, err := readWorkbook(parts, folder)
	if err != nil {
		return damaged(name, err)
	}
	closers = append(closers, book.texts.close)
	rows, err := f.openSheet(name, book)
	if err != nil {
		return err
	}
	closers = append(closers, rows.close)
	f.close = closeAll
	return nil
}

// damaged refuses a workbook that cannot be read as one.
func damaged(name string, cause error) error {
	return &es.Error{
		Class:   es.Invalid,
		Message: fmt.Sprintf("The workbook %q cannot be opened: it is damaged or protected by a password. Save it again as .xlsx without one, or as .csv.", label(name)),
		Err:     cause,
	}
}

// spool copies r to a file, which it opens for reading.
func spool(to, name string, r io.Reader) (*os.File, int64, error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("making a file for a workbook: %w", err)
	}
	n, err := io.Copy(out, io.LimitReader(r, maxWorkbook+1))
	switch {
	case err != nil:
		err = fmt.Errorf("copying a workbook: %w", err)
	case n > maxWorkbook:
		err = es.Refuse(es.Invalid, "", "The workbook %q is larger than %d MB. Save the sheet with the keywords as .csv and upload that.", label(name), maxWorkbook>>20)
	default:
		return out, n, nil
	}
	return nil, 0, errors.Join(err, out.Close())
}

// readWorkbook reads which sheets there are, and the texts that they share.
func readWorkbook(a *archive, folder string) (*workbook, error) {
	book := &workbook{archive: a}
	parts := map[string]string{}
	shared := textsPart
	err := a.each(relationsPart, func(name string, attribute func(string) string) {
		if name != "Relationship" || len(parts) > maxParts {
			return
		}
		part := bookPartOf(attribute("Target"))
		parts[attribute("Id")] = part
		if strings.HasSuffix(attribute("Type"), "/sharedStrings") {
			shared = strings.ToLower(part)
		}
	})
	if err != nil {
		return nil, err
	}
	err = a.each(bookPart, func(name string, attribute func(string) string) {
		if part, there := parts[attribute("id")]; name == "sheet" && there && len(book.sheets) < maxSheets {
			book.sheets = append(book.sheets, bookSheet{attribute("name"), part})
		}
	})
	if err != nil {
		return nil, err
	}
	if _, there := a.parts[shared]; !there {
		return book, nil
	}
	r, err := a.open(shared)
	if err != nil {
		return nil, err
	}
	book.texts, err = readTexts(r, folder)
	return book, errors.Join(err, r.Close())
}

// bookPartOf is the part that a relation of the workbook's names.
func bookPartOf(target string) string {
	if absolute, ok := strings.CutPrefix(target, "/"); ok {
		return absolute
	}
	return path.Join("xl", target)
}

// each calls f with each element of a part.
func (a *archive) each(part string, f func(name string, attribute func(string) string)) error {
	r, err := a.open(part)
	if err != nil {
		return err
	}
	return errors.Join(newMarkup(r).each(f), r.Close())
}

// openSheet goes to the first sheet with a header that has keywords.
func (f *file) openSheet(name string, book *workbook) (*sheet, error) {
	var seen []string
	for _, s := range book.sheets {
		part, err := book.open(s.part)
		if err != nil {
			continue // a sheet of charts has no rows.
		}
		rows := &sheet{part: part, markup: newMarkup(part), texts: book.texts}
		w := &window{source: rows}
		found := findHeader(w.ahead(headerRows))
		if found.columns != nil {
			f.rows = w
			f.seen = Recognition{Encoding: "Excel workbook", Sheet: s.title}
			return rows, f.start(found)
		}
		seen = append(seen, fmt.Sprintf("%q with %s", shortened(s.title), quotedCells(found.cells)))
		if err := rows.close(); err != nil && rows.err == nil {
			return nil, fmt.Errorf("closing a sheet: %w", err)
		}
	}
	if len(seen) > 5 {
		seen = append(seen[:5], fmt.Sprintf("and %d more", len(seen)-5))
	}
	if len(seen) == 0 {
		seen = []string{"none"}
	}
	return nil, es.Refuse(es.Invalid, "", "No sheet of the workbook %q has a column of keywords. Its sheets: %s. "+
		"Name the column that holds the keywords \"Keyword\" and upload the file again.", label(name), strings.Join(seen, "; "))
}
