package observe_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igny8/igny8/infra/observe"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestMetricsAreServedUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	registry := observe.NewRegistry("v1.2.3")
	appends := prometheus.NewCounter(prometheus.CounterOpts{Name: "igny8_appends_total", Help: "Appends."})
	registry.MustRegister(appends)
	appends.Add(3)
	metrics, err := observe.ListenMetrics(t.Context(), "127.0.0.1:0", registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- metrics.Serve(ctx) }()

	status, body := get(t, "http://"+metrics.Address()+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{`igny8_build_info{version="v1.2.3"} 1`, "igny8_appends_total 3", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if status, _ := get(t, "http://"+metrics.Address()+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("something else than metrics answers %d", status)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := observe.ListenMetrics(t.Context(), metrics.Address(), registry); err != nil {
		t.Errorf("the address is not free again: %v", err)
	}
}

func TestATakenMetricsAddressSaysWhichSettingToChange(t *testing.T) {
	t.Parallel()
	registry := observe.NewRegistry("dev")
	first, err := observe.ListenMetrics(t.Context(), "127.0.0.1:0", registry)
	if err != nil {
		t.Fatal(err)
	}
	_, err = observe.ListenMetrics(t.Context(), first.Address(), registry)
	if err == nil || !strings.Contains(err.Error(), "IGNY8_METRICS_LISTEN") {
		t.Errorf("got %v", err)
	}
}
