package table

// WithoutAccountFilter leaves it to row-level security alone to hold a scope to
// its account.
func WithoutAccountFilter(s Scope) Scope {
	s.skipAccount = true
	return s
}

// ListStatement is the SQL of a numbered page, and its arguments.
func (t *Table[R]) ListStatement(scope Scope, q Query) (string, []any, error) {
	s := t.scoped(scope, q.Deleted)
	if err := t.filtered(s, q); err != nil {
		return "", nil, err
	}
	return t.paging(s, q, Page[R]{Number: 1, Size: 25}), s.args, nil
}
