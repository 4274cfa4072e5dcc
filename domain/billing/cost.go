package billing

import (
	"regexp"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// CostKind is the kind of costs, one for each operation, all of them in the
// platform's account.
var CostKind = es.Kind[Cost]{
	Name: "billing.cost", Evolve: evolveCost,
	Events: es.Events(CostCreated{}, CostChanged{}),
	Holds: func(c Cost) es.Held {
		return es.Held{Unique: []es.Unique{{Scope: "billing.cost.operation", Key: c.Operation, Field: "operation"}}}
	},
}

// CostCreated says an operation has a price.
type CostCreated struct {
	Operation string `json:"operation"`
	CostTerms
}

// EventType is the stored name.
func (CostCreated) EventType() string { return "billing.cost.created.v1" }

// CostChanged says an operation has another price from now on. What is reserved
// stays reserved.
type CostChanged struct{ CostTerms }

// EventType is the stored name.
func (CostChanged) EventType() string { return "billing.cost.changed.v1" }

// CostTerms say what an operation costs: by tokens or by the piece, one of them.
type CostTerms struct {
	// Unit is what is counted: "token", "image".
	Unit string `json:"unit"`
	// TokensPerCredit is how many tokens a credit pays for;
	// 0 if a unit costs credits.
	TokensPerCredit int64 `json:"tokens_per_credit,omitempty"`
	// CreditsPerUnit is what a unit costs; 0 if a credit pays for many.
	CreditsPerUnit int64 `json:"credits_per_unit,omitempty"`
	// MinCredits is the least that an operation costs.
	MinCredits int64 `json:"min_credits"`
}

// Cost is what an operation costs.
type Cost struct {
	es.Entity
	Operation string
	CostTerms
}

// CostID is the id of an operation's cost in the platform's account.
func CostID(platform es.ID, operation string) es.ID {
	return es.Derive(platform, "cost/"+operation, 0)
}

// maxUnits bounds what is counted, so that no price overflows.
const maxUnits = 1_000_000_000

// Price is what so many units cost, in whole credits, rounded up, and never less
// than MinCredits. Errors: es.Invalid for a number of units that cannot be.
func (t CostTerms) Price(units int64) (int64, error) {
	if units < 0 || units > maxUnits {
		return 0, es.Field("units", "It is 0 to %d.", maxUnits)
	}
	price := units * t.CreditsPerUnit
	if t.TokensPerCredit > 0 {
		price = (units + t.TokensPerCredit - 1) / t.TokensPerCredit
	}
	return max(price, t.MinCredits), nil
}

// Create decides to give an operation a price.
func (c Cost) Create(operation string, terms CostTerms) ([]es.Event, error) {
	faults := es.Faults{}
	if !operationName.MatchString(operation) {
		faults.Add("operation", "An operation is lower-case letters and digits, joined by underscores.")
	}
	terms = terms.checked(faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{CostCreated{Operation: operation, CostTerms: terms}}, nil
}

// Change decides another price; the same again records nothing.
func (c Cost) Change(terms CostTerms) ([]es.Event, error) {
	faults := es.Faults{}
	terms = terms.checked(faults)
	if err := faults.Err(); err != nil || terms == c.CostTerms {
		return nil, err
	}
	return []es.Event{CostChanged{terms}}, nil
}

var operationName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const maxCost = 1_000

func (t CostTerms) checked(faults es.Faults) CostTerms {
	t.Unit = text.Field(faults, "unit", t.Unit, 1, 30)
	if t.TokensPerCredit < 0 || t.TokensPerCredit > maxUnits {
		faults.Add("tokens_per_credit", "It is 0 to %d.", maxUnits)
	}
	if t.CreditsPerUnit < 0 || t.CreditsPerUnit > maxCost {
		faults.Add("credits_per_unit", "It is 0 to %d.", maxCost)
	}
	if t.MinCredits < 0 || t.MinCredits > maxCredits {
		faults.Add("min_credits", "It is 0 to %d.", int64(maxCredits))
	}
	if t.TokensPerCredit > 0 && t.CreditsPerUnit > 0 {
		faults.Add("credits_per_unit", "Either a credit pays for tokens, or a unit costs credits.")
	}
	return t
}

func evolveCost(c *Cost, e es.Event) {
	switch e := e.(type) {
	case CostCreated:
		c.Operation, c.CostTerms = e.Operation, e.CostTerms
	case CostChanged:
		c.CostTerms = e.CostTerms
	}
}
