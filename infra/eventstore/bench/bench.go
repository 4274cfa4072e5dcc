// Package bench measures the event store on Postgres against what Postgres does
// without one, side by side in one run: ratios of one machine and moment mean
// more than any figure alone.
package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
)

// Rate is how fast callers that each wait for their answer were served.
type Rate struct {
	Callers  int
	Done     int
	Took     time.Duration
	P50, P99 time.Duration
}

// PerSecond is the number of calls a second, of all callers together.
func (r Rate) PerSecond() float64 { return float64(r.Done) / r.Took.Seconds() }

func (r Rate) String() string {
	return fmt.Sprintf("%3d callers %8.0f/s  p50 %-8v p99 %v", r.Callers, r.PerSecond(), r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond))
}

// Measure has callers call f, each again as soon as it was answered, for a
// while. The first error ends it.
func Measure(ctx context.Context, callers int, while time.Duration, f func(context.Context) error) (Rate, error) {
	var s sample
	if err := s.add(ctx, callers, while, f); err != nil {
		return Rate{}, err
	}
	return s.rate(callers), nil
}

// Compare measures f and g in turns, each for a while in all, so that what else
// the machine does meets both alike.
func Compare(ctx context.Context, callers int, while time.Duration, f, g func(context.Context) error) (Rate, Rate, error) {
	const turns = 6
	var first, second sample
	for range turns {
		if err := first.add(ctx, callers, while/turns, f); err != nil {
			return Rate{}, Rate{}, err
		}
		if err := second.add(ctx, callers, while/turns, g); err != nil {
			return Rate{}, Rate{}, err
		}
	}
	return first.rate(callers), second.rate(callers), nil
}

// sample is the time of each call, and of all.
type sample struct {
	each []time.Duration
	took time.Duration
}

func (s *sample) add(ctx context.Context, callers int, while time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, callers)
	begin := time.Now()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(begin) < while {
				start := time.Now()
				if err := f(ctx); err != nil {
					cancel(err)
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	all.Wait()
	s.took += time.Since(begin)
	s.each = append(s.each, slices.Concat(times...)...)
	return context.Cause(ctx)
}

func (s *sample) rate(callers int) Rate {
	slices.Sort(s.each)
	r := Rate{Callers: callers, Done: len(s.each), Took: s.took}
	if r.Done > 0 {
		r.P50, r.P99 = s.each[r.Done/2], s.each[r.Done*99/100]
	}
	return r
}

// NewAppend is a first event of a new stream, as a created keyword has it: a
// full envelope and 200 bytes of data.
func NewAppend(account es.ID) es.Append {
	command := newID()
	stream := es.StreamID{Account: account, Kind: "planner.keyword", ID: newID()}
	data := fmt.Appendf(nil, `{"text":"best running shoes for flat feet %s","country":"US","volume":12100,"difficulty":47,"cpc":135,"intents":["commercial","transactional"],"note":"0123456789012345678901234567890"}`, command)
	salt := make([]byte, 32)
	copy(salt, stream.ID[:])
	return es.Append{Stream: stream, Events: []es.NewEvent{{
		Envelope: es.Envelope{
			ID: es.EventID(command, 0), Stream: stream, Revision: 1, Type: "planner.keyword.created.v1",
			Site: account, Sector: account, Actor: es.Actor{Kind: es.UserActor, ID: account},
			Correlation: command, Causation: command, Command: command, Request: command.String(),
			DataHash: es.HashData(salt, data),
		},
		Data: data, Salt: salt,
	}}}
}

func newID() es.ID { return uuid.Must(uuid.NewV7()) }
