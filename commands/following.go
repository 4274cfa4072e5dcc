package commands

import (
	"github.com/igny8/igny8/domain/es"
)

// Following makes a command of the product's own that follows from an event,
// within the event's account and traced to its request. Its id derives from the
// event, the target and the purpose, so that a repeat of the reaction changes
// nothing. It gives way to people who wait.
func Following(rec es.Recorded, purpose string, target es.ID, payload any) Request {
	return Request{
		Tenant: es.Tenant{Account: rec.Stream.Account}, Actor: es.System(), Target: target,
		Command: es.Derive(rec.ID, purpose+" "+target.String(), 0),
		Request: rec.Request, Correlation: rec.Correlation, Causation: rec.ID,
		Payload: payload, Bulk: true,
	}
}
