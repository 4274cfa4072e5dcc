package tasks

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Why an attempt's context ended.
var (
	errStopping  = errors.New("the worker stops")
	errCancelled = errors.New("the task was cancelled")
)

const (
	// telling is how often progress is written: what people see of it is no newer.
	telling = 200 * time.Millisecond
	// endings is how many cancelled tasks are ended at once, besides the slots.
	endings = 4
	// querying bounds one statement of the worker's own.
	querying = 3 * time.Second
)

// shift is a worker at one place of the queue, until it is lost or left.
type shift struct {
	*Worker
	seat Seat

	held context.Context //nolint:containedctx // of all leases: it ends when they are lost.
	lose context.CancelCauseFunc

	freed   chan struct{} // a slot is
	work    sync.WaitGroup
	mu      sync.Mutex
	running map[es.ID]*hold
	busy    int // slots
	renewed time.Time
}

func newShift(w *Worker, seat Seat) *shift {
	return &shift{
		Worker: w, seat: seat, freed: make(chan struct{}, 1), running: map[es.ID]*hold{}, renewed: time.Now(),
	}
}

// run works until ctx ends or the place is lost.
func (s *shift) run(ctx context.Context) {
	s.held, s.lose = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.lose(ErrLost)
	taking, stopTaking := context.WithCancel(ctx)
	defer stopTaking()
	context.AfterFunc(s.held, stopTaking) //nolint:contextcheck // leases outlive ctx, until they are given back.
	var loops sync.WaitGroup
	loops.Go(func() { s.watch(s.held) })
	loops.Go(func() { s.beatAll(s.held) })
	loops.Go(func() { s.freeLost(taking) })
	loops.Go(func() { s.endCancelled(taking) })
	s.take(taking)
	s.drain(ctx)
	s.lose(ErrLost)
	loops.Wait()
}

// watch loses everything with the place.
func (s *shift) watch(ctx context.Context) {
	select {
	case <-s.seat.Lost():
		s.config.Logger.WarnContext(ctx, "the worker lost its place at the queue of tasks")
		s.lose(ErrLost)
	case <-ctx.Done():
	}
}

// take claims tasks whenever there is a free slot.
func (s *shift) take(ctx context.Context) {
	poll := time.NewTicker(s.config.Poll)
	defer poll.Stop()
	for {
		if free := s.free(); free > 0 {
			if err := s.claim(ctx, free); err != nil && ctx.Err() == nil {
				s.config.Logger.WarnContext(ctx, "tasks could not be claimed", slog.Any("error", err))
				pause(ctx, 200*time.Millisecond)
			}
		}
		select {
		case <-s.config.Bell.waiting:
		case <-s.freed:
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *shift) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Slots - s.busy
}

func (s *shift) claim(ctx context.Context, free int) error {
	asking, cancel := context.WithTimeout(ctx, querying)
	defer cancel()
	leases, err := s.seat.Claim(asking, Claim{Kinds: s.names, Free: free, Kept: s.config.kept(), PerAccount: s.config.PerAccount})
	if err != nil {
		return err
	}
	for _, l := range leases {
		s.begin(l, true) //nolint:contextcheck // tasks outlive ctx, until they are given back.
	}
	return nil
}

// endCancelled ends what is cancelled before it starts, whoever's turn it is.
func (s *shift) endCancelled(ctx context.Context) {
	poll := time.NewTicker(s.config.Poll)
	defer poll.Stop()
	for {
		select {
		case <-s.config.Bell.cancelled:
			s.beat(ctx, true) // those that run hear of it now.
		case <-poll.C:
		case <-ctx.Done():
			return
		}
		for more := true; more; {
			asking, cancel := context.WithTimeout(ctx, querying)
			leases, err := s.seat.Cancelled(asking, s.names, endings)
			cancel()
			if err != nil && ctx.Err() == nil {
				s.config.Logger.WarnContext(ctx, "cancelled tasks could not be claimed", slog.Any("error", err))
			}
			var ending sync.WaitGroup
			for _, l := range leases {
				ended := s.begin(l, false) //nolint:contextcheck // as above.
				ending.Go(func() { <-ended })
			}
			ending.Wait()
			more = len(leases) == endings
		}
	}
}

// begin works on a lease; the channel is closed when that is over.
func (s *shift) begin(l Lease, slot bool) <-chan struct{} {
	h := newHold(s, l)
	s.mu.Lock()
	s.running[l.Task] = h
	if slot {
		s.busy++
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	s.work.Go(func() {
		defer close(ended)
		h.run()
		s.mu.Lock()
		if s.running[l.Task] == h {
			delete(s.running, l.Task)
		}
		if slot {
			s.busy--
		}
		s.mu.Unlock()
		signal(s.freed)
	})
	return ended
}

// beatAll renews all leases in time, and tells progress.
func (s *shift) beatAll(ctx context.Context) {
	tick := time.NewTicker(telling)
	defer tick.Stop()
	all := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		due := time.Since(all) >= s.config.Lease/4
		if due {
			all = time.Now()
		}
		s.beat(ctx, due)
	}
}

// beat renews the leases of all, or of those with news. What the queue does not
// know any more is lost, and so is everything once nothing could be renewed for
// as long as a lease.
func (s *shift) beat(ctx context.Context, all bool) {
	s.mu.Lock()
	var beats []Beat
	asked := map[es.ID]*hold{}
	for id, h := range s.running {
		if p, news := h.news(); all || news {
			beats = append(beats, Beat{Account: h.lease.Tenant.Account, Task: id, Attempt: h.lease.Attempt, Progress: p})
			asked[id] = h
		}
	}
	s.mu.Unlock()
	began := time.Now()
	if len(beats) > 0 {
		asking, cancel := context.WithTimeout(ctx, querying)
		mine, err := s.seat.Beat(asking, beats)
		cancel()
		if err != nil {
			s.unrenewed(ctx, err)
			return
		}
		for id, h := range asked {
			cancelled, kept := mine[id]
			switch {
			case !kept:
				h.end(ErrLost)
			case cancelled:
				h.end(errCancelled)
			}
		}
	}
	if all {
		s.mu.Lock()
		s.renewed = began
		s.mu.Unlock()
	}
}

func (s *shift) unrenewed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	since := time.Since(s.renewed)
	s.mu.Unlock()
	s.config.Logger.WarnContext(ctx, "leases of tasks could not be renewed", slog.Any("error", err))
	if since > s.config.Lease {
		s.lose(ErrLost)
	}
}

// freeLost lets all workers have the tasks of those that are gone.
func (s *shift) freeLost(ctx context.Context) {
	tick := time.NewTicker(s.config.FreeLost)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		asking, cancel := context.WithTimeout(ctx, querying)
		freed, err := s.seat.FreeLost(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.config.Logger.WarnContext(ctx, "lost tasks could not be freed", slog.Any("error", err))
		case freed > 0:
			s.config.Logger.WarnContext(ctx, "tasks of a worker that is gone are tried again", slog.Int64("tasks", freed))
		}
	}
}

// drain lets what runs end for a moment, then gives it back.
func (s *shift) drain(ctx context.Context) {
	over := make(chan struct{})
	go func() {
		s.work.Wait()
		close(over)
	}()
	for _, step := range []struct {
		within time.Duration
		then   error
	}{{s.config.Drain, errStopping}, {s.config.Grace + querying, ErrLost}} {
		timer := time.NewTimer(step.within)
		select {
		case <-over:
			timer.Stop()
			return
		case <-s.held.Done():
			timer.Stop()
			<-over
			return
		case <-timer.C:
		}
		s.mu.Lock()
		for _, h := range s.running {
			h.end(step.then)
		}
		s.mu.Unlock()
	}
	s.config.Logger.WarnContext(ctx, "the worker stops with tasks that do not")
	s.lose(ErrLost)
	<-over
}
