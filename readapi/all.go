package readapi

// All is an answer with all there are of something, which are few: a list's
// shape without pages.
type All[T any] struct {
	Top
	Count    int     `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

// AllOf answers with all rows.
func AllOf[T any](rows []T) *All[T] { return &All[T]{Count: len(rows), Results: rows} }
