package keywordfile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	maxSheetRow    = 1 << 20 // as many rows as Excel has
	maxSheetColumn = 1 << 14 // as many columns as Excel has
)

const damagedSheet = "The sheet is damaged from this row on. Save it again to get the rows from here on."

// sheet gives a sheet's rows as they are unpacked. Rows that it leaves out come
// as one blank row.
type sheet struct {
	part   io.ReadCloser
	markup *markup
	texts  *texts
	row    int64
	queued *record // behind a gap
	err    error
}

// next gives the next row. A damaged sheet ends with a row that says so.
func (s *sheet) next() (record, error) {
	if s.queued != nil {
		r := *s.queued
		s.queued = nil
		return r, nil
	}
	if s.err != nil {
		return record{}, s.err
	}
	before := s.row
	r, err := s.read()
	if err != nil {
		s.err = io.EOF
		if errors.Is(err, io.EOF) {
			return record{}, io.EOF
		}
		return record{row: s.row + 1, problem: damagedSheet}, nil
	}
	if r.row > before+1 {
		s.queued = &r
		return record{row: r.row - 1}, nil
	}
	return r, nil
}

// read goes to the next row and reads it.
func (s *sheet) read() (record, error) {
	for {
		token, err := s.markup.next()
		if err != nil {
			return record{}, err
		}
		switch token := token.(type) {
		case xml.EndElement:
			if token.Name.Local == "sheetData" {
				return record{}, io.EOF
			}
		case xml.StartElement:
			if token.Name.Local != "row" {
				continue
			}
			row := s.row + 1
			if text := attribute(token, "r"); text != "" {
				if row, err = strconv.ParseInt(text, 10, 64); err != nil || row <= s.row {
					return record{}, fmt.Errorf("row %q after row %d: %w", text, s.row, errMarkup)
				}
			}
			if row > maxSheetRow {
				return record{}, io.EOF
			}
			r, err := s.cells(row)
			if err == nil {
				s.row = row
			}
			return r, err
		}
	}
}

// cells reads the row that was just begun.
func (s *sheet) cells(row int64) (record, error) {
	r := record{row: row}
	column, size := 0, 0
	for inside := s.markup.depth; s.markup.depth >= inside; {
		token, err := s.markup.next()
		if err != nil {
			return r, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "c" {
			continue
		}
		column++
		if place := attribute(start, "r"); place != "" {
			column = columnAt(place)
		}
		if column < 1 || column > maxSheetColumn {
			return r, fmt.Errorf("column %d: %w", column, errMarkup)
		}
		text, err := s.cell(attribute(start, "t"), r.problem == "")
		if err != nil {
			return r, err
		}
		if size += len(text); text == "" || r.problem != "" {
			continue
		}
		if size > maxRecord {
			r = record{row: row, problem: tooLong}
			continue
		}
		for len(r.cells) < column {
			r.cells = append(r.cells, "")
		}
		r.cells[column-1] = text
	}
	return r, nil
}

// cell reads the cell that was just begun: a number as it is kept, not as it is
// shown. Where it is not wanted its text is not looked up.
func (s *sheet) cell(kind string, wanted bool) (string, error) {
	var text string
	for inside := s.markup.depth; s.markup.depth >= inside; {
		token, err := s.markup.next()
		if err != nil {
			return "", err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "v":
			text, err = s.markup.value()
		case "is":
			text, err = s.markup.text()
		}
		if err != nil {
			return "", err
		}
	}
	switch {
	case kind == "s" && wanted:
		return s.texts.at(text)
	case kind == "str":
		return unescaped(text), nil
	default:
		return text, nil
	}
}

func (s *sheet) close() error { return s.part.Close() }

// columnAt is the column of a cell's name, from 1: that of "C7" is 3. It is 0
// where the name has none.
func columnAt(place string) int {
	column := 0
	for _, letter := range place {
		switch {
		case letter >= 'A' && letter <= 'Z':
			column = column*26 + int(letter-'A') + 1
		case letter >= 'a' && letter <= 'z':
			column = column*26 + int(letter-'a') + 1
		default:
			return column
		}
		if column > maxSheetColumn {
			return column
		}
	}
	return column
}
