package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

// request is one append on its way. Its state decides who may still change
// it: the caller can leave only while it is queued, and reads the result only
// once it is answered.
type request struct {
	append es.Append
	ctx    context.Context
	since  time.Time
	state  atomic.Int32
	result es.AppendResult
	call   *call
}

const (
	queued int32 = iota
	left
	sent
	answered
)

// call is what one caller waits for: all requests of one Append or AppendMany.
type call struct {
	open atomic.Int64
	done chan struct{}
}

func newCall(n int) *call {
	c := &call{done: make(chan struct{})}
	c.open.Store(int64(n))
	return c
}

// answer hands the result over and wakes the caller with its last one.
func (r *request) answer(result es.AppendResult) {
	r.result = result
	r.state.Store(answered)
	if r.call.open.Add(-1) == 0 {
		close(r.call.done)
	}
}

// leave gives the result of a request whose caller stops waiting: an append
// that was not sent is never sent.
func (r *request) leave(cause error) es.AppendResult {
	if r.state.CompareAndSwap(queued, left) {
		return es.AppendResult{Err: cause}
	}
	if r.state.Load() == answered {
		return r.result
	}
	return es.AppendResult{Err: eventstore.UnknownOutcome(cause)}
}
