package readapi

// Data is the answer with one thing.
type Data[T any] struct {
	Success   bool   `json:"success"`
	Data      T      `json:"data"`
	Message   string `json:"message,omitempty"`
	RequestID string `json:"request_id"`
}

// List is the answer with a page of many.
type List[T any] struct {
	Success bool `json:"success"`
	// Count is over all pages; null with a cursor.
	Count     *int64  `json:"count"`
	Next      *string `json:"next"`
	Previous  *string `json:"previous"`
	Results   []T     `json:"results"`
	RequestID string  `json:"request_id"`
}

// DryRun is what a command would do.
type DryRun[T any] struct {
	DryRun bool       `json:"dry_run"`
	Events []DryEvent `json:"events"`
	State  T          `json:"state"`
}

// DryEvent is an event that would be written.
type DryEvent struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// ItemError is what went wrong with one item of many.
type ItemError struct {
	Error  string              `json:"error"`
	Code   string              `json:"code"`
	Errors map[string][]string `json:"errors,omitempty"`
}

// ItemResult is what became of one item of many: data or an error.
type ItemResult[T any] struct {
	Index  int        `json:"index"`
	Status int        `json:"status"`
	Data   *T         `json:"data,omitempty"`
	Error  *ItemError `json:"error,omitempty"`
}

// Results is the answer to a bulk request.
type Results[T any] struct {
	Success   bool            `json:"success"`
	Results   []ItemResult[T] `json:"results"`
	RequestID string          `json:"request_id"`
}

// stamped is an envelope that carries the request's id.
type stamped interface{ stamp(requestID string) }

func (d *Data[T]) stamp(id string)    { d.Success, d.RequestID = true, id }
func (l *List[T]) stamp(id string)    { l.Success, l.RequestID = true, id }
func (r *Results[T]) stamp(id string) { r.Success, r.RequestID = true, id }
func (t *Top) stamp(id string)        { t.Success, t.RequestID = true, id }
