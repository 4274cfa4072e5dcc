package es

import (
	"errors"
	"fmt"
)

// Class is the handful of ways in which a request can fail. Each maps to one
// HTTP status, in one place (readapi).
type Class string

// The classes.
const (
	Invalid      Class = "invalid"      // 400: the request itself is wrong
	Unauthorized Class = "unauthorized" // 401: who asks is unknown
	Plan         Class = "plan"         // 402: the plan or the credits do not allow it
	Forbidden    Class = "forbidden"    // 403: who asks may not
	NotFound     Class = "not_found"    // 404: it is not there, or not this tenant's
	Conflict     Class = "conflict"     // 409: the state, or something unique, is in the way
	Gone         Class = "gone"         // 410: it was purged
	Precondition Class = "precondition" // 412: If-Match differs
	Unavailable  Class = "unavailable"  // 503: it may work later
	Internal     Class = "internal"     // 500: ours to fix
)

// Error is a refusal that a person can act on. Message is for them: what, where
// and how to mend it, with nothing internal and nothing secret.
type Error struct {
	Class   Class
	Code    string // the stable machine's word, such as "plan_limit"; "" means the class
	Message string
	// Fields maps a field's path ("sectors[1].slug") to what is wrong with it.
	Fields map[string][]string
	// Err is the cause, for logs only.
	Err error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Word is the machine's word of the error: Code, or else the class.
func (e *Error) Word() string {
	if e.Code != "" {
		return e.Code
	}
	return string(e.Class)
}

// Refuse makes an Error. An empty code stands for the class.
func Refuse(class Class, code, format string, args ...any) *Error {
	return &Error{Class: class, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error about one field.
func Field(path, format string, args ...any) *Error {
	return &Error{
		Class: Invalid, Message: "Validation failed",
		Fields: map[string][]string{path: {fmt.Sprintf(format, args...)}},
	}
}

// ClassOf is the class of the first Error in err's chain, or Internal.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Internal
}
