package readapi_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

func TestAConnectionOnWhichNothingCameHoldsNoStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serves()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // it is accepted after the first one.
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	from := time.Now()
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(from); took > 2*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ended with %v", err)
	}
}
