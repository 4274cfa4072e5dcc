package es

import "fmt"

// Faults collects what is wrong with the fields of a request, so that a person
// hears of everything at once. Make it with Faults{}.
type Faults map[string][]string

// Add records what is wrong with the field at path.
func (f Faults) Add(path, format string, args ...any) {
	f[path] = append(f[path], fmt.Sprintf(format, args...))
}

// Err is an Invalid error with all faults, or nil when there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Class: Invalid, Message: "Validation failed", Fields: f}
}
