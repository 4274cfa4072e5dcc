package scheduler

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector asks the table when it is scraped.
type collector struct {
	table                     *Table
	failures, runs, took, age *prometheus.Desc
}

// Collect registers what became of every schedule's last run: failures in a row,
// runs, how long the last one took, and how long ago the last one ended.
func Collect(r prometheus.Registerer, t *Table) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("igny8_schedule_"+name, help, []string{"work"}, nil)
	}
	r.MustRegister(&collector{
		table:    t,
		failures: desc("failures", "Runs that failed in a row, up to the last one."),
		runs:     desc("runs_total", "Runs that were begun, by any process."),
		took:     desc("last_seconds", "How long the last run took."),
		age:      desc("age_seconds", "How long ago the last run ended."),
	})
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.failures, c.runs, c.took, c.age} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	all, err := c.table.List(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(c.failures, err)
		return
	}
	for _, s := range all {
		to <- prometheus.MustNewConstMetric(c.failures, prometheus.GaugeValue, float64(s.Failures), s.Name)
		to <- prometheus.MustNewConstMetric(c.runs, prometheus.CounterValue, float64(s.Runs), s.Name)
		if s.StartedAt == nil || s.EndedAt == nil {
			continue
		}
		to <- prometheus.MustNewConstMetric(c.took, prometheus.GaugeValue, s.EndedAt.Sub(*s.StartedAt).Seconds(), s.Name)
		to <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, time.Since(*s.EndedAt).Seconds(), s.Name)
	}
}
