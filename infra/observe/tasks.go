package observe

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TaskInstruments are the metrics of work in the background.
type TaskInstruments struct {
	waits     *prometheus.HistogramVec
	took      *prometheus.HistogramVec
	abandoned *prometheus.CounterVec
}

// NewTaskInstruments registers them.
func NewTaskInstruments(r prometheus.Registerer) *TaskInstruments {
	i := &TaskInstruments{
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "igny8_task_wait_seconds", Help: "How long tasks waited that could have started; idle accounts had nothing running.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18),
		}, []string{"account"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "igny8_task_seconds", Help: "How long attempts at tasks took, by kind and how they ended.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 21),
		}, []string{"kind", "ended"}),
		abandoned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "igny8_tasks_abandoned_total", Help: "Attempts that went on though their time was over, and were left to themselves.",
		}, []string{"kind"}),
	}
	r.MustRegister(i.waits, i.took, i.abandoned)
	return i
}

// TaskStarted takes how long a task waited.
func (i *TaskInstruments) TaskStarted(_ string, idle bool, waited time.Duration) {
	account := "busy"
	if idle {
		account = "idle"
	}
	i.waits.WithLabelValues(account).Observe(waited.Seconds())
}

// TaskEnded takes how an attempt ended.
func (i *TaskInstruments) TaskEnded(kind, how string, took time.Duration) {
	i.took.WithLabelValues(kind, how).Observe(took.Seconds())
}

// TaskAbandoned takes an attempt that was left to itself.
func (i *TaskInstruments) TaskAbandoned(kind string) { i.abandoned.WithLabelValues(kind).Inc() }

// CollectTasks registers how many tasks there are in each state of the queue.
func CollectTasks(r prometheus.Registerer, count func(context.Context) (map[string]int64, error)) {
	r.MustRegister(&taskCollector{count, prometheus.NewDesc("igny8_tasks", "Tasks that wait, run or are dead.", []string{"state"}, nil)})
}

type taskCollector struct {
	count func(context.Context) (map[string]int64, error)
	tasks *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *taskCollector) Describe(to chan<- *prometheus.Desc) { to <- c.tasks }

// Collect implements prometheus.Collector.
func (c *taskCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := c.count(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(c.tasks, err)
		return
	}
	for state, n := range counts {
		to <- prometheus.MustNewConstMetric(c.tasks, prometheus.GaugeValue, float64(n), state)
	}
}
