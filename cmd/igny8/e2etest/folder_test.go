package e2etest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

func TestASecondIgny8InTheSameFolderIsRefusedAndTheFirstServesOn(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c := i.SignUp(t, "alan")
	second := i.Run("serve")
	if second.Code != 1 || second.Stdout != "" {
		t.Errorf("the second ends with %d and says %q", second.Code, second.Stdout)
	}
	for _, want := range []string{i.Dir, "is in use by another igny8", "stop that one", "--data"} {
		if !strings.Contains(second.Stderr, want) {
			t.Errorf("it does not say %q: %s", want, second.Stderr)
		}
	}
	c.Get("auth/me/")
}

func TestSIGTERMStopsEverythingWithinSecondsAndTheDataStays(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c := i.SignUp(t, "annie")
	site := c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]string{"name": "S", "domain": "s.example.com", "industry": "technology-software"}, nil)
	linux(t, func() {
		if len(i.Postgres()) < 2 {
			t.Errorf("of its Postgres are seen %v", i.Postgres())
		}
	})
	// Neither a stream nor a connection that was only opened holds the stop: alone
	// on a machine it takes 0.2 s, and what waits for such a connection 5 s.
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(i.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	streams(t, i, c)
	if took := i.Stop(); took > 4*time.Second {
		t.Errorf("it stopped only after %s", took)
	}
	linux(t, func() {
		if left := i.Postgres(); len(left) > 0 {
			t.Errorf("stopped, it leaves processes of Postgres: %v", left)
		}
	})
	if a, err := c.Send("GET", "auth/me/", nil, nil); err == nil {
		t.Errorf("stopped, it answers %s", a)
	}
	i.Start()
	row := c.Do(http.StatusOK, "GET", "auth/sites/"+site.Data(t).ID+"/", nil, e2etest.Header{"X-Consistency-Token": site.Header.Get("X-Consistency-Token")})
	if row.Data(t).Name != "S" {
		t.Errorf("after the restart the site is %s", row)
	}
	c.LogIn()
}

// streams opens the stream of events and returns once it flows.
func streams(t *testing.T, i *e2etest.Installation, c *e2etest.Client) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.URL()+"/api/v1/system/events/stream/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Access)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if first, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the stream begins with %d %q, %v", response.StatusCode, first, err)
	}
}

func TestNoPostgresOutlivesAKilledIgny8ForLong(t *testing.T) {
	t.Parallel()
	linux(t, func() {
		i := e2etest.Install(t, program).Start()
		i.SignUp(t, "radia")
		i.Kill()
		e2etest.Eventually(t, "the end of Postgres after kill -9 of igny8", func() bool { return len(i.Postgres()) == 0 })
	})
}

// linux does what only Linux can show: elsewhere nothing ends a child with its
// parent, and the next start does.
func linux(t *testing.T, f func()) {
	t.Helper()
	if runtime.GOOS == "linux" {
		f()
		return
	}
	fmt.Fprintln(os.Stderr, t.Name(), "shows less on", runtime.GOOS)
}
