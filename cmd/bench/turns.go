package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/igny8/igny8/infra/eventstore/bench"
)

// rounds is odd, so that a median is one of them.
const rounds = 7

// series is one thing's rate in each round.
type series []bench.Rate

// inTurns measures each of several things once a round, one after another, so
// that what else the machine does meets all alike. A first round warms up and
// is not counted. Each is measured for while in all.
func inTurns(ctx context.Context, callers int, while time.Duration, things ...func(context.Context) error) ([]series, error) {
	all := make([]series, len(things))
	for round := range rounds + 1 {
		for i, f := range things {
			rate, err := bench.Measure(ctx, callers, while/rounds, f)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[i] = append(all[i], rate)
			}
		}
	}
	return all, nil
}

func perSecondOf(r bench.Rate) float64 { return r.PerSecond() }

func p50Of(r bench.Rate) float64 { return float64(r.P50) }

func (s series) perSecond() float64 { return spreadOf(s.figures(perSecondOf)).median }

func (s series) p50() time.Duration { return time.Duration(spreadOf(s.figures(p50Of)).median) }

// p99 is the median of the rounds' 99th percentiles.
func (s series) p99() time.Duration {
	return time.Duration(spreadOf(s.figures(func(r bench.Rate) float64 { return float64(r.P99) })).median)
}

func (s series) figures(of func(bench.Rate) float64) []float64 {
	all := make([]float64, len(s))
	for i, r := range s {
		all[i] = of(r)
	}
	return all
}

// ratio is a figure of one thing over that of another, round by round.
func ratio(a, b series, of func(bench.Rate) float64) spread {
	all := make([]float64, len(a))
	for i := range a {
		all[i] = of(a[i]) / of(b[i])
	}
	return spreadOf(all)
}

// spread is the median of some figures, and the least and the most of them.
type spread struct{ median, least, most float64 }

func spreadOf(figures []float64) spread {
	sorted := slices.SortedFunc(slices.Values(figures), cmp.Compare)
	return spread{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]}
}

// times writes a ratio: the median, and in brackets the least and the most.
func (s spread) times() string {
	return fmt.Sprintf("%.2fx (%.2f to %.2f)", s.median, s.least, s.most)
}
