package readapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/igny8/igny8/readapi"
)

// A client that sends its body byte by byte holds a connection for no longer
// than BodyTimeout, and is told so.
func TestASlowBodyIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.BodyTimeout = 100 * time.Millisecond })
	server := httptest.NewUnstartedServer(nil)
	server.Config = w.api.Server("")
	server.Start()
	t.Cleanup(server.Close)

	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /api/v1/test/widgets/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin@ann\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != 408 || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", a.StatusCode, body)
	}
}

// A body that ends before it was announced to is the client's mistake.
func TestABodyThatIsCutIsTheClientsMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.do("POST", "test/widgets/", `{"name":"a"}`, func(r *http.Request) { r.Body = io.NopCloser(cut{r.Body}) }), 400, "malformed")
}

type cut struct{ io.Reader }

func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p[:min(3, len(p))])
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
