package commands

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// Reaction is what happens next, by itself, after an event. It is called at
// least once for each event, in the log's order; the commands it gives carry
// ids derived from the event, so that a repeat changes nothing. An error has it
// called again later, and what follows in the log waits.
type Reaction func(ctx context.Context, rec es.Recorded, e es.Event) error

// Log is what a Follower reads.
type Log interface {
	Read(ctx context.Context, after int64, filter es.Filter, limit int) (es.Page, error)
	Wait(ctx context.Context, after int64) (int64, error)
}

// Checkpoints keeps how far each follower came, and lets one process at a time
// follow under a name.
type Checkpoints interface {
	// Acquire waits until it holds the name and gives the position to go on
	// after. The lease ends with ctx, with Release, or by Lost.
	Acquire(ctx context.Context, name string) (Lease, error)
	// Position is how far the follower of that name came.
	Position(ctx context.Context, name string) (int64, error)
}

// Lease is the sole right to follow under a name.
type Lease interface {
	Position() int64
	// Save keeps the position; it fails once the lease was lost.
	Save(ctx context.Context, position int64) error
	Lost() <-chan struct{}
	Release()
}

// saveEvery is how often a follower keeps its position within a page; a repeat
// costs no more than the reactions of that long.
const saveEvery = 50 * time.Millisecond

// Follower calls reactions for every event of the log, for ever, from where the
// last process under its name stopped.
type Follower struct {
	Name        string
	Types       []string // of events, literal or prefixes that end in "*"
	Reactions   []Reaction
	Log         Log
	Checkpoints Checkpoints
	Registry    *es.Registry
	Logger      *slog.Logger

	stuck atomic.Pointer[string]
}

// Run follows until ctx ends. A lost lease or a failing read starts it anew.
func (f *Follower) Run(ctx context.Context) error {
	for {
		if err := f.follow(ctx); ctx.Err() == nil {
			f.Logger.WarnContext(ctx, "follower starts anew", slog.String("follower", f.Name), slog.Any("error", err))
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// Stuck says which event the follower cannot get past, or "".
func (f *Follower) Stuck() string {
	if s := f.stuck.Load(); s != nil {
		return *s
	}
	return ""
}

// Passed waits until the follower, in whatever process it runs, has passed the
// position.
func (f *Follower) Passed(ctx context.Context, position int64) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		now, err := f.Checkpoints.Position(ctx, f.Name)
		if err != nil {
			return fmt.Errorf("waiting for %s to pass position %d: %w", f.Name, position, err)
		}
		if now >= position {
			return nil
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

func (f *Follower) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, err := f.Checkpoints.Acquire(ctx, f.Name)
	if err != nil {
		return err
	}
	defer lease.Release()
	go func() {
		select {
		case <-lease.Lost():
			cancel()
		case <-ctx.Done():
		}
	}()
	saved := time.Now()
	for at := lease.Position(); ; {
		if _, err := f.Log.Wait(ctx, at); err != nil {
			return err
		}
		page, err := f.Log.Read(ctx, at, es.Filter{Types: f.Types}, 500)
		if err != nil {
			return err
		}
		for _, rec := range page.Events {
			if err := f.react(ctx, rec); err != nil {
				return err
			}
			if time.Since(saved) < saveEvery {
				continue
			}
			if err := lease.Save(ctx, rec.Position); err != nil {
				return err
			}
			saved = time.Now()
		}
		if at == page.Through {
			continue
		}
		at = page.Through
		if err := lease.Save(ctx, at); err != nil {
			return err
		}
		saved = time.Now()
	}
}

// react calls the reactions for one event until all of them are done.
func (f *Follower) react(ctx context.Context, rec es.Recorded) error {
	e, err := f.Registry.Decode(rec)
	if err != nil {
		return err
	}
	for i := 0; i < len(f.Reactions); {
		if e == nil { // purged: nothing is to follow from it any more.
			return nil
		}
		err := f.Reactions[i](ctx, rec, e)
		if err == nil {
			i++
			continue
		}
		if ctx.Err() != nil { // nothing is stuck: it was told to stop, or lost its lease.
			return err
		}
		stuck := fmt.Sprintf("%s cannot get past position %d (%s)", f.Name, rec.Position, rec.Type)
		f.stuck.Store(&stuck)
		f.Logger.ErrorContext(ctx, "a reaction failed and is tried again",
			slog.String("follower", f.Name), slog.Int64("position", rec.Position), slog.String("type", rec.Type),
			slog.String("request_id", rec.Request), slog.Any("error", err))
		if !pause(ctx, 500*time.Millisecond) {
			return ctx.Err()
		}
	}
	f.stuck.Store(nil)
	return nil
}

// pause waits and says whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
