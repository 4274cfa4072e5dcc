package observe

import "github.com/prometheus/client_golang/prometheus"

// streamCollector asks for the open streams when it is scraped.
type streamCollector struct {
	open func() map[string]int
	desc *prometheus.Desc
}

// CollectStreams registers how many streams of server-sent events are open, by
// route.
func CollectStreams(r prometheus.Registerer, open func() map[string]int) {
	r.MustRegister(&streamCollector{open: open, desc: prometheus.NewDesc(
		"igny8_http_streams_open", "Streams of server-sent events that are open now.", []string{"route"}, nil)})
}

// Describe implements prometheus.Collector.
func (c *streamCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c *streamCollector) Collect(to chan<- prometheus.Metric) {
	for route, n := range c.open() {
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), route)
	}
}
