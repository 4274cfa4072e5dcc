package es

import "slices"

// Unique is a value that only one live aggregate may hold, such as a keyword's
// text in its sector. Scopes are an account's own unless Global is set.
type Unique struct {
	Scope  string // "planner.keyword/<sector>/<country>"
	Key    string // the normalised value
	Global bool   // unique over all accounts
	// Personal keys are stored as an HMAC under a key of their own.
	Personal bool
	// Field is the request's field to name when the value is taken.
	Field string
}

// Count is what a live aggregate uses up of something limited, such as one of
// an account's keywords. Scopes are an account's own.
type Count struct {
	Resource string // "keywords": the plan's name for it
	Scope    ID     // a site for a limit per site; zero: the whole account
	N        int64
	// Limit bounds the sum over all holders; 0 means that the account's plan
	// says it.
	Limit int64
}

// Held is everything a live state claims.
type Held struct {
	Unique []Unique
	Counts []Count
}

// Diff says what to release and what to take so that before becomes after.
// Counts in take are the signed differences per resource and scope.
func Diff(before, after Held) (release, take []Unique, counts []Count) {
	for _, u := range before.Unique {
		if !slices.ContainsFunc(after.Unique, u.same) {
			release = append(release, u)
		}
	}
	for _, u := range after.Unique {
		if !slices.ContainsFunc(before.Unique, u.same) {
			take = append(take, u)
		}
	}
	for _, c := range after.Counts {
		c.N -= sum(before.Counts, c)
		if c.N != 0 {
			counts = append(counts, c)
		}
	}
	for _, c := range before.Counts {
		if c.N != 0 && !slices.ContainsFunc(after.Counts, c.same) {
			c.N = -c.N
			counts = append(counts, c)
		}
	}
	return release, take, counts
}

// In is the scope as stores know it: an account's own, unless it is Global.
func (u Unique) In(account ID) string {
	if u.Global {
		return u.Scope
	}
	return account.String() + "/" + u.Scope
}

func (u Unique) same(o Unique) bool {
	return u.Scope == o.Scope && u.Key == o.Key && u.Global == o.Global
}

func (c Count) same(o Count) bool { return c.Resource == o.Resource && c.Scope == o.Scope }

func sum(counts []Count, like Count) (n int64) {
	for _, c := range counts {
		if c.same(like) {
			n += c.N
		}
	}
	return n
}
