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
