package readapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a body's arrays and objects may nest.
const maxDepth = 64

func malformed(format string, args ...any) error {
	return &httpError{status: http.StatusBadRequest, code: "malformed", message: fmt.Sprintf(format, args...)}
}

// checkJSON refuses what encoding/json lets pass: invalid UTF-8, half characters,
// NUL in texts, a key twice in one object, deep nesting, and anything after the
// value.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		return malformed("The body is not valid UTF-8.")
	}
	if halfCharacter(data) {
		return malformed("The body holds half of a surrogate pair.")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var levels []*level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(levels) == 0 && d.InputOffset() > 0 {
			return nil
		}
		if err != nil {
			return malformed("The body is not valid JSON, at byte %d.", d.InputOffset())
		}
		if err := checkToken(token, &levels); err != nil {
			return err
		}
		if len(levels) > maxDepth {
			return malformed("The body nests deeper than %d levels.", maxDepth)
		}
		if len(levels) == 0 {
			return onlySpace(d, data)
		}
	}
}

// halfCharacter finds an escape such as \ud800 without its other half, which
// encoding/json would replace by another character.
func halfCharacter(data []byte) bool {
	for i := 0; i < len(data)-1; i++ {
		if data[i] != '\\' {
			continue
		}
		unit := escaped(data[i:])
		if unit < 0 {
			i++ // another escape
			continue
		}
		i += 5
		if !utf16.IsSurrogate(unit) {
			continue
		}
		if utf16.DecodeRune(unit, escaped(data[i+1:])) == unicode.ReplacementChar {
			return true
		}
		i += 6
	}
	return false
}

// escaped is the UTF-16 unit of the escape that data begins with, or -1.
func escaped(data []byte) rune {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}

func onlySpace(d *json.Decoder, data []byte) error {
	if rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return malformed("The body has something after its JSON value, at byte %d.", len(data)-len(rest))
	}
	return nil
}

// level is an array or an object that the scan is inside of.
type level struct {
	keys  map[string]bool // nil in an array
	value bool            // a key was read and its value comes next
}

func checkToken(token json.Token, levels *[]*level) error {
	var top *level
	if n := len(*levels); n > 0 {
		top = (*levels)[n-1]
	}
	text, isText := token.(string)
	if isText && strings.ContainsRune(text, 0) {
		return malformed("The body holds a NUL character.")
	}
	if isText && top != nil && top.keys != nil && !top.value {
		if top.keys[text] {
			return malformed("The body has the key %q twice in one object.", text)
		}
		top.keys[text], top.value = true, true
		return nil
	}
	if top != nil {
		top.value = false
	}
	switch token {
	case json.Delim('{'):
		*levels = append(*levels, &level{keys: map[string]bool{}})
	case json.Delim('['):
		*levels = append(*levels, &level{})
	case json.Delim('}'), json.Delim(']'):
		*levels = (*levels)[:len(*levels)-1]
	}
	return nil
}

// unmarshal reads JSON without telling Go's words about what is wrong.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return &httpError{status: http.StatusBadRequest, code: "invalid", field: wrong.Field, message: "This value is of a wrong type or out of range."}
	}
	return malformed("The body holds a value of a wrong form.")
}

// marshal writes JSON as it is stored and sent: without a line end, and without
// escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
