package bus

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcomes, as the metrics name them.
const (
	outcomeDone    = "done"
	outcomeFailed  = "failed"  // given up by the retries: a dead letter, or again later
	outcomeRetried = "retried" // one attempt that failed
	outcomeDead    = "dead"
	outcomeForeign = "foreign" // a message that is no event
)

// Metrics count what groups do. The nil Metrics counts nothing.
type Metrics struct {
	outcomes *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "igny8_reactions_total", Help: "Events that a group handled, and attempts that failed, by outcome.",
		}, []string{"group", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "igny8_reaction_seconds", Help: "How long a group took for an event, retries included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}, []string{"group"}),
	}
	r.MustRegister(m.outcomes, m.seconds)
	return m
}

func (m *Metrics) handled(group, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	m.outcomes.WithLabelValues(group, outcome).Inc()
	if took > 0 {
		m.seconds.WithLabelValues(group).Observe(took.Seconds())
	}
}
