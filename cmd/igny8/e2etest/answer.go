package e2etest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Answer is what the API answered.
type Answer struct {
	Request string
	Status  int
	Header  http.Header
	Body    []byte
}

func (a Answer) String() string { return fmt.Sprintf("%s: %d %.600s", a.Request, a.Status, a.Body) }

// Expect fails the test unless the answer has the status.
func (a Answer) Expect(t testing.TB, status int) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("want %d, got %s", status, a)
	}
	return a
}

// Code is the machine's word for what went wrong, or "".
func (a Answer) Code() string {
	var body struct{ Code string }
	_ = json.Unmarshal(a.Body, &body) // no JSON has no code.
	return body.Code
}

// Errors is what is wrong with which field.
func (a Answer) Errors(t testing.TB) map[string][]string {
	t.Helper()
	var body struct{ Errors map[string][]string }
	a.read(t, &body)
	return body.Errors
}

// RequestID is the one in the body.
func (a Answer) RequestID(t testing.TB) string {
	t.Helper()
	var body struct {
		RequestID string `json:"request_id"`
	}
	a.read(t, &body)
	return body.RequestID
}

// Resource is what tests look at of any resource.
type Resource struct {
	ID            string     `json:"id"`
	SiteID        string     `json:"site_id"`
	SectorID      string     `json:"sector_id"`
	Revision      int64      `json:"revision"`
	Keyword       string     `json:"keyword"`
	Name          string     `json:"name"`
	Volume        *int64     `json:"volume"`
	RetentionDays int        `json:"retention_days"`
	DeletedAt     *time.Time `json:"deleted_at"`
	PurgeAfter    *time.Time `json:"purge_after"`
	DeletionID    string     `json:"deletion_id"`
}

// Data is the resource that was answered.
func (a Answer) Data(t testing.TB) Resource {
	t.Helper()
	var body struct{ Data Resource }
	a.read(t, &body)
	return body.Data
}

// List is a page of resources, or what became of the items of a bulk.
type List struct {
	Count    *int
	Next     *string
	Previous *string
	Results  []Resource
}

// List is the page that was answered.
func (a Answer) List(t testing.TB) List {
	t.Helper()
	var body List
	a.read(t, &body)
	return body
}

// Item is what became of one of many.
type Item struct {
	Index  int
	Status int
	Data   Resource
	Error  *struct{ Error, Code string }
}

// Items is what became of each.
func (a Answer) Items(t testing.TB) []Item {
	t.Helper()
	var body struct{ Results []Item }
	a.read(t, &body)
	return body.Results
}

// Event is one of the feed.
type Event struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	RequestID   string          `json:"requestid"`
	CausationID string          `json:"causationid"`
	Correlation string          `json:"correlationid"`
	Revision    int64           `json:"revision"`
	Position    int64           `json:"position"`
	Data        json.RawMessage `json:"data"`
}

// Events is a stretch of the feed and where it goes on.
func (a Answer) Events(t testing.TB) (events []Event, cursor string) {
	t.Helper()
	var body struct {
		Results []Event
		Cursor  string
	}
	a.read(t, &body)
	return body.Results, body.Cursor
}

type session struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Account struct{ ID string }
	User    Resource
}

func (a Answer) session(t testing.TB) session {
	t.Helper()
	var body struct{ Data session }
	a.read(t, &body)
	return body.Data
}

func (a Answer) read(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("not readable: %v: %s", err, a)
	}
}

// Without is the body as canonical JSON without what is named so anywhere in it.
func (a Answer) Without(t testing.TB, names ...string) string {
	t.Helper()
	var body any
	a.read(t, &body)
	drop(body, names)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func drop(value any, names []string) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range names {
			delete(value, name)
		}
		for _, v := range value {
			drop(v, names)
		}
	case []any:
		for _, v := range value {
			drop(v, names)
		}
	}
}
