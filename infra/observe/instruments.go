package observe

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igny8/igny8/projections"
)

// Instruments are the product's own metrics.
type Instruments struct {
	requests *prometheus.HistogramVec
	appends  prometheus.Histogram
	events   prometheus.Counter
	took     prometheus.Histogram
}

// NewInstruments registers them.
func NewInstruments(r prometheus.Registerer) *Instruments {
	i := &Instruments{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "igny8_http_request_seconds", Help: "How long requests took, by route and status.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"method", "route", "status"}),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "igny8_append_batch_size", Help: "How many appends were committed together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "igny8_events_appended_total", Help: "Events that this process appended.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "igny8_append_batch_seconds", Help: "How long a batch of appends took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	r.MustRegister(i.requests, i.appends, i.events, i.took)
	return i
}

// ObserveRequest takes one answered request; route is its pattern.
func (i *Instruments) ObserveRequest(method, route string, status int, took time.Duration) {
	i.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// ObserveBatch takes one batch of appends.
func (i *Instruments) ObserveBatch(appends, events int, took time.Duration) {
	i.appends.Observe(float64(appends))
	i.events.Add(float64(events))
	i.took.Observe(took.Seconds())
}

// projectionCollector asks a runner when it is scraped.
type projectionCollector struct {
	stats               func(context.Context) []projections.Stats
	lag, seconds        *prometheus.Desc
	parked, held, count *prometheus.Desc
}

// CollectProjections registers how far each projection is behind, in events and
// in seconds, and how many accounts are parked in it.
func CollectProjections(r prometheus.Registerer, stats func(context.Context) []projections.Stats) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("igny8_projection_"+name, help, []string{"projection"}, nil)
	}
	r.MustRegister(&projectionCollector{
		stats:   stats,
		lag:     desc("lag_events", "Events of the log that the projection has not taken in."),
		seconds: desc("lag_seconds", "How old its last event was while it was behind."),
		parked:  desc("parked_accounts", "Accounts whose events wait behind one that failed."),
		held:    desc("held", "1 where this process feeds the projection."),
		count:   desc("applied_events_total", "Events that this process applied."),
	})
}

// Describe implements prometheus.Collector.
func (c *projectionCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.lag, c.seconds, c.parked, c.held, c.count} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *projectionCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, s := range c.stats(ctx) {
		name := s.Key.String()
		put := func(d *prometheus.Desc, kind prometheus.ValueType, value float64) {
			to <- prometheus.MustNewConstMetric(d, kind, value, name)
		}
		held := 0.0
		if s.Held {
			held = 1
		}
		put(c.held, prometheus.GaugeValue, held)
		put(c.lag, prometheus.GaugeValue, float64(s.Lag))
		put(c.seconds, prometheus.GaugeValue, s.LagTime.Seconds())
		put(c.parked, prometheus.GaugeValue, float64(s.Parked))
		put(c.count, prometheus.CounterValue, float64(s.Applied))
	}
}
