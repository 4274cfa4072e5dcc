package es

import "time"

// Entity is embedded by every aggregate's state: its identity, its age and its
// life cycle. The kernel keeps it from the envelope and the life-cycle events;
// an aggregate's own fold never touches it.
type Entity struct {
	ID        ID
	Tenant    Tenant
	Revision  int64
	CreatedAt time.Time
	// Deletion is set while the aggregate is soft-deleted.
	Deletion *Deletion
	// Purged is set once the data is gone for good.
	Purged bool
}

// Deletion is a soft delete that is in force.
type Deletion struct {
	ID         ID // shared by everything that was deleted with it
	At         time.Time
	By         Actor
	Reason     string
	PurgeAfter time.Time // restorable until then
	Cascaded   bool      // deleted with its parent, not for itself
}

// Exists says whether the aggregate was ever created.
func (e *Entity) Exists() bool { return e.Revision > 0 }

// Live says whether it exists and is not deleted.
func (e *Entity) Live() bool { return e.Revision > 0 && e.Deletion == nil && !e.Purged }

func (e *Entity) entity() *Entity { return e }

// The life cycle's events. Their stored names are the kind's name and these
// suffixes: "planner.keyword.deleted.v1".

// Deleted says the aggregate was soft-deleted, with the retention window in
// force then.
type Deleted struct {
	DeletionID    ID     `json:"deletion_id"`
	Reason        string `json:"reason,omitempty"`
	RetentionDays int    `json:"retention_days"`
	// PurgeAfter is when it stops being restorable.
	PurgeAfter time.Time `json:"purge_after"`
	// At is when it was decided; RecordedAt may be a little later.
	At       time.Time `json:"at"`
	Cascaded bool      `json:"cascaded,omitempty"`
}

// EventType is the suffix of the stored name.
func (Deleted) EventType() string { return "deleted.v1" }

// Restored says a soft delete was undone.
type Restored struct {
	DeletionID ID   `json:"deletion_id"`
	Cascaded   bool `json:"cascaded,omitempty"`
}

// EventType is the suffix of the stored name.
func (Restored) EventType() string { return "restored.v1" }

// Purged says the data is gone for good; that it existed stays on record. It
// is itself never blanked.
type Purged struct {
	DeletionID ID `json:"deletion_id"`
}

// EventType is the suffix of the stored name.
func (Purged) EventType() string { return "purged.v1" }

// Delete decides a soft delete under the deletion id. Deleting what is deleted
// records nothing.
func (e *Entity) Delete(env Env, deletion ID, reason string, cascaded bool) []Event {
	if !e.Live() {
		return nil
	}
	return []Event{Deleted{
		DeletionID: deletion, Reason: reason, RetentionDays: env.RetentionDays, At: env.Now,
		PurgeAfter: env.Now.AddDate(0, 0, env.RetentionDays), Cascaded: cascaded,
	}}
}

// Restore decides to undo a soft delete. Restoring what lives records nothing;
// after PurgeAfter it is refused with Gone. A cascaded restore touches only
// what was deleted under the same deletion id.
func (e *Entity) Restore(env Env, deletion ID, cascaded bool) ([]Event, error) {
	switch {
	case e.Purged:
		return nil, Refuse(Gone, "purged", "It was purged and cannot be restored.")
	case e.Deletion == nil:
		return nil, nil
	case cascaded && e.Deletion.ID != deletion:
		return nil, nil
	case !env.Now.Before(e.Deletion.PurgeAfter):
		return nil, Refuse(Gone, "retention_ended", "It could be restored until %s.", e.Deletion.PurgeAfter.UTC().Format(time.RFC3339))
	}
	return []Event{Restored{DeletionID: e.Deletion.ID, Cascaded: cascaded}}, nil
}

// Purge decides to give the data up for good, once its retention has ended.
// Purging what is purged records nothing.
func (e *Entity) Purge(env Env) ([]Event, error) {
	switch {
	case e.Purged:
		return nil, nil
	case e.Deletion == nil:
		return nil, Refuse(Conflict, "not_deleted", "Only what is deleted can be purged.")
	case env.Now.Before(e.Deletion.PurgeAfter):
		return nil, Refuse(Conflict, "retention_running", "It can be restored until %s and is kept until then.", e.Deletion.PurgeAfter.UTC().Format(time.RFC3339))
	}
	return []Event{Purged{DeletionID: e.Deletion.ID}}, nil
}

func (e *Entity) evolve(env Envelope, event Event) {
	e.Revision = env.Revision
	if env.Revision == 1 {
		e.ID, e.CreatedAt = env.Stream.ID, env.RecordedAt
		e.Tenant = env.Tenant()
	}
	switch event := event.(type) {
	case Deleted:
		e.Deletion = &Deletion{
			ID: event.DeletionID, At: event.At, By: env.Actor,
			Reason: event.Reason, PurgeAfter: event.PurgeAfter, Cascaded: event.Cascaded,
		}
	case Restored:
		e.Deletion = nil
	case Purged:
		e.Purged, e.Deletion = true, nil
	}
}
