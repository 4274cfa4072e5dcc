package tasks

import "encoding/json"

// TaskQueued says that work was asked for.
type TaskQueued struct {
	// Kind is the persisted name of what is to be done.
	Kind  string          `json:"kind"`
	Input json.RawMessage `json:"input"`
	// Attempts is how often it is tried before it is given up, and LimitMillis
	// how long each may take.
	Attempts    int   `json:"attempts"`
	LimitMillis int64 `json:"limit_ms"`
}

// EventType is the stored name.
func (TaskQueued) EventType() string { return "tasks.task.queued.v1" }

// TaskStarted says that a worker began an attempt. Attempts count from 1 over the
// whole life of a task and never go back; an earlier one is over by then.
type TaskStarted struct {
	Attempt int `json:"attempt"`
}

// EventType is the stored name.
func (TaskStarted) EventType() string { return "tasks.task.started.v1" }

// TaskSucceeded says that the work is done, and what it answers.
type TaskSucceeded struct {
	Attempt int             `json:"attempt"`
	Result  json.RawMessage `json:"result"`
	// Done is how much it was, where that was counted.
	Done int64 `json:"done,omitempty"`
}

// EventType is the stored name.
func (TaskSucceeded) EventType() string { return "tasks.task.succeeded.v1" }

// TaskFailed says that an attempt failed, and with Final that it was the last one.
type TaskFailed struct {
	Attempt int `json:"attempt"`
	// Code is the machine's word, Message is for people.
	Code    string `json:"code"`
	Message string `json:"message"`
	Final   bool   `json:"final"`
}

// EventType is the stored name.
func (TaskFailed) EventType() string { return "tasks.task.failed.v1" }

// TaskTimedOut says that an attempt took longer than its limit, and with Final that
// it was the last one.
type TaskTimedOut struct {
	Attempt int  `json:"attempt"`
	Final   bool `json:"final"`
}

// EventType is the stored name.
func (TaskTimedOut) EventType() string { return "tasks.task.timed_out.v1" }

// TaskCancelRequested says that somebody wants it stopped. It is, as soon as who
// works on it lets go; what is done by then stays done.
type TaskCancelRequested struct{}

// EventType is the stored name.
func (TaskCancelRequested) EventType() string { return "tasks.task.cancel_requested.v1" }

// TaskCancelled says that it was stopped before its end.
type TaskCancelled struct {
	// Attempt is the one that was stopped; 0 where none had begun.
	Attempt int `json:"attempt"`
}

// EventType is the stored name.
func (TaskCancelled) EventType() string { return "tasks.task.cancelled.v1" }

// TaskReplayed says that a dead task is to be tried again, as often as it was at
// first, from what its attempts kept.
type TaskReplayed struct {
	Attempts int `json:"attempts"`
}

// EventType is the stored name.
func (TaskReplayed) EventType() string { return "tasks.task.replayed.v1" }
