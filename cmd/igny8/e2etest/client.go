package e2etest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Client is a person at the API. Its methods may be called from several
// goroutines of its test.
type Client struct {
	Email, Password string
	Account         string // the id
	Access, Refresh string // the tokens

	t  testing.TB
	at *Installation
}

// Header is what goes with a request besides the client's own.
type Header map[string]string

// Key gives a request an Idempotency-Key.
func Key(key string) Header { return Header{"Idempotency-Key": key} }

// With is both.
func (h Header) With(name, value string) Header {
	all := maps.Clone(h)
	if all == nil {
		all = Header{}
	}
	all[name] = value
	return all
}

// Nobody is a client without credentials.
func (i *Installation) Nobody(t testing.TB) *Client { return &Client{t: t, at: i} }

// In is the same person in a subtest.
func (c *Client) In(t testing.TB) *Client {
	same := *c
	same.t = t
	return &same
}

// SignUp makes an account whose owner is the client; the name must be new in
// the installation.
func (i *Installation) SignUp(t testing.TB, name string) *Client {
	t.Helper()
	c := i.Nobody(t)
	c.Email, c.Password = name+"@example.org", "correct horse of "+name
	i.secrets.add(c.Email, c.Password)
	c.holds(c.Do(http.StatusCreated, "POST", "auth/register/", map[string]any{
		"email": c.Email, "password": c.Password, "first_name": name, "account_name": name + " & Co", "plan_slug": "free",
	}, nil))
	return c
}

// LogIn logs the client in.
func (c *Client) LogIn() {
	c.t.Helper()
	c.holds(c.Until("POST", "auth/login/", map[string]string{"email": c.Email, "password": c.Password}, nil).Expect(c.t, http.StatusOK))
}

// Renew uses the refresh token up for new tokens.
func (c *Client) Renew() {
	c.t.Helper()
	c.holds(c.Until("POST", "auth/refresh/", map[string]string{"refresh_token": c.Refresh}, nil).Expect(c.t, http.StatusOK))
}

func (c *Client) holds(a Answer) {
	c.t.Helper()
	session := a.session(c.t)
	c.Access, c.Refresh, c.Account = session.Access, session.Refresh, session.Account.ID
	c.at.secrets.add(c.Access, c.Refresh)
}

// Send sends one request and gives its answer, or the error of the connection.
// The path is under /api/v1/, or a whole address; a body that is no string is
// sent as JSON.
func (c *Client) Send(method, path string, body any, h Header) (Answer, error) {
	c.t.Helper()
	url := path
	if !strings.HasPrefix(path, "http://") {
		url = c.at.URL() + "/api/v1/" + path
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, c.encode(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Access != "" {
		request.Header.Set("Authorization", "Bearer "+c.Access)
	}
	for name, value := range h {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read.
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return Answer{Request: method + " " + path, Status: response.StatusCode, Header: response.Header, Body: text}, nil
}

func (c *Client) encode(body any) io.Reader {
	c.t.Helper()
	switch body := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		return bytes.NewReader(text)
	}
}

// Do sends a request that must be answered with the status.
func (c *Client) Do(want int, method, path string, body any, h Header) Answer {
	c.t.Helper()
	a, err := c.Send(method, path, body, h)
	if err != nil {
		c.t.Fatal(err)
	}
	return a.Expect(c.t, want)
}

// Get reads what must be there.
func (c *Client) Get(path string) Answer {
	c.t.Helper()
	return c.Until("GET", path, nil, nil).Expect(c.t, http.StatusOK)
}

// giveUp bounds how long a client tries.
const giveUp = 60 * time.Second

// Until sends a request again and again until it is answered: a broken
// connection, 503, and a key that is in flight are no answers.
func (c *Client) Until(method, path string, body any, h Header) Answer {
	c.t.Helper()
	deadline := time.Now().Add(giveUp)
	for {
		a, err := c.Send(method, path, body, h)
		if err == nil && a.Status != http.StatusServiceUnavailable && a.Code() != "idempotency_in_flight" {
			return a
		}
		if c.t.Context().Err() != nil || time.Now().After(deadline) {
			c.t.Errorf("%s %s is not answered: %v %s", method, path, err, a)
			return a
		}
		pause(c.t.Context(), 50*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Eventually waits until the condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(giveUp)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
		pause(t.Context(), 10*time.Millisecond)
	}
}
