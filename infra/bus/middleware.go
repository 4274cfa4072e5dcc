package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/igny8/igny8/commands"
)

const (
	// tries is how often a group tries an event before it gives it up.
	tries = 4
	// inPlace bounds how long a message is retried before it goes back to the
	// subscriber, who delivers it again: a Kafka partition must not sleep longer.
	inPlace    = 4 * time.Second
	firstPause = 50 * time.Millisecond
	longPause  = time.Second
)

// failure is what retry could not mend.
type failure struct {
	error
	attempts    int
	since       time.Time
	unavailable bool
}

func (f *failure) Unwrap() error { return f.error }

// retry tries again with growing pauses: what is unavailable for up to inPlace,
// anything else tries times.
func (r *Router) retry(g commands.Reactions) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			ctx, rec := m.Context(), eventOf(m.Context())
			failed := failure{since: time.Now()}
			for pause := firstPause; ; pause = min(2*pause, longPause) {
				failed.error = r.attempt(ctx, m, next)
				if failed.error == nil {
					r.stuck.clear(g.Group, rec.ID)
					return nil, nil
				}
				if ctx.Err() != nil { // it was told to stop, or lost the partition.
					return nil, ctx.Err()
				}
				failed.unavailable = r.unavailable(failed.error)
				if failed.unavailable {
					r.stuck.set(g.Group, rec, time.Now())
				} else {
					failed.attempts++
				}
				if failed.attempts >= tries || failed.unavailable && time.Since(failed.since) > inPlace {
					return nil, &failed
				}
				r.config.Logger.WarnContext(ctx, "a reaction failed and is tried again", slog.String("group", g.Group),
					slog.Int64("position", rec.Position), slog.String("type", rec.Type), slog.String("request_id", rec.Request),
					slog.Any("error", failed.error))
				r.config.Metrics.handled(g.Group, outcomeRetried, 0)
				if !wait(ctx, pause/2+rand.N(pause)) { //nolint:gosec // G404: jitter.
					return nil, ctx.Err()
				}
			}
		}
	}
}

// attempt calls next within the time limit of one.
func (r *Router) attempt(ctx context.Context, m *message.Message, next message.HandlerFunc) error {
	limited, cancel := context.WithTimeout(ctx, r.config.Attempt)
	defer cancel()
	m.SetContext(limited)
	defer m.SetContext(ctx)
	_, err := next(m)
	return err
}

// deadLetters keeps what the retries gave up, unless it is unavailable, and lets
// the group go on.
func (r *Router) deadLetters(g commands.Reactions) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			ctx, rec := m.Context(), eventOf(m.Context())
			_, err := next(m)
			if err == nil {
				if m.Metadata.Get(ReplayKey) == "" {
					return nil, nil
				}
				return nil, r.config.DeadLetters.Replayed(ctx, g.Group, rec)
			}
			var failed *failure
			if !errors.As(err, &failed) || failed.unavailable {
				return nil, err
			}
			if buried := r.config.DeadLetters.Bury(ctx, g.Group, rec, failed.error, failed.attempts, failed.since); buried != nil {
				return nil, fmt.Errorf("keeping a dead letter: %w", errors.Join(buried, err))
			}
			r.stuck.clear(g.Group, rec.ID)
			r.config.Metrics.handled(g.Group, outcomeDead, 0)
			r.config.Logger.ErrorContext(ctx, "a group gave an event up; see igny8 deadletter", slog.String("group", g.Group),
				slog.Int64("position", rec.Position), slog.String("event_id", rec.ID.String()), slog.String("type", rec.Type),
				slog.String("request_id", rec.Request), slog.Int("attempts", failed.attempts), slog.Any("error", failed.error))
			return nil, nil
		}
	}
}

// observe measures and logs, with the request that the event came from.
func (r *Router) observe(g commands.Reactions) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			from, rec := time.Now(), eventOf(m.Context())
			_, err := next(m)
			outcome := outcomeDone
			if err != nil {
				outcome = outcomeFailed
			}
			r.config.Metrics.handled(g.Group, outcome, time.Since(from))
			r.config.Logger.DebugContext(m.Context(), "reacted", slog.String("group", g.Group), slog.Int64("position", rec.Position),
				slog.String("type", rec.Type), slog.String("request_id", rec.Request), slog.String("outcome", outcome))
			return nil, err
		}
	}
}

// wait says whether ctx is still good after d.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
