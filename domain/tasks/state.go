// Package tasks is work in the background: how it is asked for, tried and ends.
package tasks

// State is how far a task is. The names are persisted and public.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	TimedOut  State = "timed_out"
)

// Ended says whether nothing more happens by itself.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Failed, Cancelled, TimedOut:
		return true
	case Queued, Running:
	}
	return false
}

// Dead says whether it ended without success and can be replayed.
func (s State) Dead() bool { return s == Failed || s == TimedOut }
