// Package billing decides about credits: a ledger for each account, in which
// grants are drawn on by reservations that are charged or given back, and what
// each operation costs. Credits are whole numbers. Of no ledger anything is ever
// deleted.
package billing

import "github.com/igny8/igny8/domain/es"

// Kinds are the module's kinds of aggregates.
func Kinds() []es.AnyKind { return []es.AnyKind{LedgerKind, CostKind} }

// maxCredits bounds what a ledger holds, far below where sums could overflow.
const maxCredits = 1_000_000_000_000
