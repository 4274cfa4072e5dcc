package store

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector asks when it is scraped.
type collector struct {
	bus    *Bus
	head   func(context.Context) (int64, error)
	open   func(context.Context) (map[string]int64, error)
	lag    *prometheus.Desc
	idle   *prometheus.Desc
	unread *prometheus.Desc
}

// Collect registers how far each group is behind the head of the log, how many of
// its partitions nobody works in, and how many dead letters it has.
func Collect(r prometheus.Registerer, b *Bus, head func(context.Context) (int64, error), open func(context.Context) (map[string]int64, error)) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("igny8_group_"+name, help, []string{"group"}, nil)
	}
	r.MustRegister(&collector{
		bus: b, head: head, open: open,
		lag:    desc("lag_events", "Events of the log after the group's checkpoint, in the partition that is furthest behind; up to a second old."),
		idle:   desc("unowned_partitions", "Partitions of the group that no process works in."),
		unread: desc("dead_letters", "Events that the group gave up and that were not replayed."),
	})
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	to <- c.lag
	to <- c.idle
	to <- c.unread
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	groups, err := c.bus.Status(ctx)
	if err != nil {
		return // the scrape has no values then, and alerts on their absence see it.
	}
	head, err := c.head(ctx)
	if err != nil {
		return
	}
	letters, err := c.open(ctx)
	if err != nil {
		return
	}
	for _, g := range groups {
		put := func(d *prometheus.Desc, value int64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), g.Group)
		}
		put(c.lag, max(head-g.Position, 0))
		put(c.idle, int64(g.Partitions-g.Owned))
		put(c.unread, letters[g.Group])
	}
}
