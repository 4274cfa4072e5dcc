package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry makes a registry that holds the process's and the Go runtime's
// metrics, and igny8_build_info with the version.
func NewRegistry(version string) *prometheus.Registry {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "igny8_build_info", Help: "Always 1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	r := prometheus.NewRegistry()
	r.MustRegister(
		info,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return r
}

// Metrics serves a registry at /metrics on an address of its own.
type Metrics struct {
	listener net.Listener
	server   *http.Server
}

// ListenMetrics takes the address, so that a taken one is an error at once.
// Nothing is answered before Serve.
func ListenMetrics(ctx context.Context, address string, gatherer prometheus.Gatherer) (*Metrics, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w (set IGNY8_METRICS_LISTEN to another address, or to off)", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, Timeout: 10 * time.Second, EnableOpenMetrics: true,
	}))
	return &Metrics{
		listener: listener,
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
			WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		},
	}, nil
}

// Address is where it listens, with the port that was picked.
func (m *Metrics) Address() string { return m.listener.Addr().String() }

// Serve answers until ctx ends, then finishes what is in flight, for 5 s at
// most. It returns nil after that.
func (m *Metrics) Serve(ctx context.Context) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- m.server.Shutdown(ending)
	})
	err := m.server.Serve(m.listener)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("metrics: %w", err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("metrics: stopping: %w", err)
	}
	return nil
}
