package keywordfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/igny8/igny8/domain/es"
)

// Bounds of a workbook. What is larger is refused before it is unpacked; sheets
// and shared texts past inMemory are unpacked to temporary files.
const (
	maxWorkbook = 64 << 20  // as it is uploaded
	maxUnpacked = 512 << 20 // all its parts
	maxAside    = 16 << 20  // its parts besides sheets and shared texts: they are held in memory
	maxParts    = 2000
	inMemory    = 4 << 20
	maxSheets   = 50
	maxSheetRow = 1 << 20 // as many rows as Excel has
)

// openWorkbook copies the workbook to a temporary folder and finds the sheet with
// keywords.
func (f *file) openWorkbook(name string, r io.Reader) (err error) {
	folder, err := os.MkdirTemp("", "keywordfile-")
	if err != nil {
		return fmt.Errorf("making a folder for a workbook: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = damaged(name, fmt.Errorf("panic: %v", p))
		}
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	copied, err := spool(path.Join(folder, "workbook.xlsx"), name, r)
	if err != nil {
		return err
	}
	if err := checkWorkbook(copied, name); err != nil {
		return err
	}
	book, err := excelize.OpenFile(copied, excelize.Options{
		UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: inMemory, RawCellValue: true, TmpDir: folder,
	})
	if err != nil {
		return damaged(name, err)
	}
	if err := f.openSheet(name, book); err != nil {
		return errors.Join(err, book.Close())
	}
	rows := f.rows.source.(*sheet)
	f.close = func() error { return errors.Join(rows.close(), book.Close(), os.RemoveAll(folder)) }
	return nil
}

// damaged refuses a workbook that the library cannot open, or fails on.
func damaged(name string, cause error) error {
	return &es.Error{
		Class:   es.Invalid,
		Message: fmt.Sprintf("The workbook %q cannot be opened: it is damaged or protected by a password. Save it again as .xlsx without one, or as .csv.", label(name)),
		Err:     cause,
	}
}

// spool copies r to a file.
func spool(to, name string, r io.Reader) (string, error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("making a file for a workbook: %w", err)
	}
	n, err := io.Copy(out, io.LimitReader(r, maxWorkbook+1))
	if err = errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("copying a workbook: %w", err)
	}
	if n > maxWorkbook {
		return "", es.Refuse(es.Invalid, "", "The workbook %q is larger than %d MB. Save the sheet with the keywords as .csv and upload that.", label(name), maxWorkbook>>20)
	}
	return to, nil
}

// checkWorkbook looks at the sizes that the archive's directory gives, which the
// unpacking holds it to.
func checkWorkbook(file, name string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return &es.Error{Class: es.Invalid, Message: fmt.Sprintf("The file %q is a damaged archive. Export it again, or save it as .csv.", label(name)), Err: err}
	}
	defer func() { _ = archive.Close() }() // it was only read.
	var all, aside uint64
	workbook, tables := false, []string{}
	for _, part := range archive.File {
		where := strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))
		workbook = workbook || where == "xl/workbook.xml"
		if ext := path.Ext(where); ext == ".csv" || ext == ".tsv" || ext == ".xlsx" {
			tables = append(tables, part.Name)
		}
		if part.UncompressedSize64 > maxUnpacked {
			all = maxUnpacked + 1
			break
		}
		all += part.UncompressedSize64
		if !strings.HasPrefix(where, "xl/worksheets/sheet") && where != "xl/sharedstrings.xml" {
			aside += part.UncompressedSize64
		}
	}
	switch {
	case all > maxUnpacked || len(archive.File) > maxParts:
		return es.Refuse(es.Invalid, "", "The file %q unpacks to more than %d MB, which is no keyword export. Save the sheet with the keywords as .csv and upload that.", label(name), maxUnpacked>>20)
	case !workbook && len(tables) > 0:
		return es.Refuse(es.Invalid, "", "The file %q is a zip archive. Unpack it and upload the file with the keywords; in it are %s.", label(name), quotedCells(tables))
	case !workbook:
		return es.Refuse(es.Invalid, "", "The file %q is a zip archive, not a table of keywords. Upload a .csv or .xlsx.", label(name))
	case aside > maxAside:
		return es.Refuse(es.Invalid, "", "The workbook %q has more than %d MB of pictures and the like. Save the sheet with the keywords as .csv and upload that.", label(name), maxAside>>20)
	default:
		return nil
	}
}

// openSheet goes to the first sheet with a header that has keywords.
func (f *file) openSheet(name string, book *excelize.File) error {
	var seen []string
	for i, title := range book.GetSheetList() {
		if i == maxSheets {
			break
		}
		rows, err := openSheet(book, title)
		if err != nil {
			continue // a sheet of charts has no rows.
		}
		w := &window{source: rows}
		found := findHeader(w.ahead(headerRows))
		if found.columns == nil {
			seen = append(seen, fmt.Sprintf("%q with %s", shortened(title), quotedCells(found.cells)))
			if err := rows.close(); err != nil {
				return fmt.Errorf("closing a sheet: %w", err)
			}
			continue
		}
		f.rows = w
		f.seen = Recognition{Encoding: "Excel workbook", Sheet: title}
		return f.start(found)
	}
	if len(seen) > 5 {
		seen = append(seen[:5], fmt.Sprintf("and %d more", len(seen)-5))
	}
	if len(seen) == 0 {
		seen = []string{"none"}
	}
	return es.Refuse(es.Invalid, "", "No sheet of the workbook %q has a column of keywords. Its sheets: %s. "+
		"Name the column that holds the keywords \"Keyword\" and upload the file again.", label(name), strings.Join(seen, "; "))
}

const damagedSheet = "The sheet is damaged from this row on. Save it again to get the rows from here on."

// sheet gives a sheet's rows.
type sheet struct {
	rows *excelize.Rows
	row  int64
	err  error
}

func openSheet(book *excelize.File, title string) (*sheet, error) {
	rows, err := book.Rows(title)
	if err != nil {
		return nil, err
	}
	return &sheet{rows: rows}, nil
}

// next gives the next row. A damaged sheet ends with a row that says so.
func (s *sheet) next() (r record, err error) {
	if s.err != nil {
		return record{}, s.err
	}
	defer func() {
		if p := recover(); p != nil {
			s.err = io.EOF
			r, err = record{row: s.row + 1, problem: damagedSheet}, nil
		}
	}()
	if s.row >= maxSheetRow || !s.rows.Next() {
		s.err = io.EOF
		if err := s.rows.Error(); err != nil {
			return record{row: s.row + 1, problem: damagedSheet}, nil
		}
		return record{}, io.EOF
	}
	s.row++
	cells, err := s.rows.Columns()
	if err != nil {
		s.err = io.EOF
		return record{row: s.row, problem: damagedSheet}, nil
	}
	return record{row: s.row, cells: cells}, nil
}

func (s *sheet) close() error { return s.rows.Close() }
